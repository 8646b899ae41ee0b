"""A sidecar that dies anywhere between Tailscale's bus and the service: nothing is lost and nothing is invented."""
