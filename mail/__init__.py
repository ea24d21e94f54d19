"""Mail: composed of what is asked for, handed to a provider once, and what the provider said of it.

This room must not know the store, Temporal or HTTP routes: what is asked for comes in as a plain value (`composing`
says by Protocols what it reads of it), mails and outcomes go out as values. From below to above:

    message · addresses         one composed mail; its address as a server is told it
    brand                       who writes, as templates see them
    headers · links · tracking · linting · mime · rendering/
    composing                   a mail of a request
    providers/                  what carries a mail, and what is reported of it; knows nothing of composing
    webhooks/                   calls to other systems
"""
