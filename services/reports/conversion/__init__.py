"""How far people come: funnels, cohorts, lift, and the ones too large for a request."""
