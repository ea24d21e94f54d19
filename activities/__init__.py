"""What touches the world on behalf of workflows: one class per concern, given its dependencies by constructor.

`signatures` is all that workflows import.
"""
