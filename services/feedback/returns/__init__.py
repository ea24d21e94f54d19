"""What comes back from providers and mails: deliveries, bounces, complaints, opens, clicks."""
