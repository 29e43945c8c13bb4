"""The commands of a2p-gateway, one module each: options in, output and exit status out."""
