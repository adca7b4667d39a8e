"""The only room that speaks with Stripe: one client, and typed calls by noun. It knows no model; services do."""
