"""Who goes: rota, choice, offers and the live queue."""
