"""`python -m carcodec` is the command `carcodec`."""

from carcodec.cli.main import main

if __name__ == "__main__":
    main()
