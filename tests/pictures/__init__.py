"""Pictures for the documentation, made by hand while something worth a picture goes on."""
