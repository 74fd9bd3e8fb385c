"""The group of commands to which the modules of this folder add theirs."""

import typer

app = typer.Typer(help="List, search, show and change clients; import and export them.", no_args_is_help=True)
