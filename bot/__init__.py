"""The face in the chat, and where everything is put together."""
