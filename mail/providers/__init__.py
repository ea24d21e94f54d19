"""The seam to mail providers: how a mail is sent, and how a provider reports about it. One folder for each."""
