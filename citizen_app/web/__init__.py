"""The pages every person meets, and the design system they are drawn with."""
