"""The group of commands to which the modules of this folder add theirs."""

import typer

app = typer.Typer(help="List, show, create, change and control mailings.", no_args_is_help=True)
