"""Telling others of what happened to their own things, over HTTP and signed (Standard Webhooks)."""
