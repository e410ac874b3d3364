"""The live page that ``letheon explore`` serves; every number on it comes from the pipeline of the command line.

`server` serves it, `guard` keeps strangers out, `app` answers requests, `limits` bounds them, `pool` hands work to
processes, `compute` runs it there, `figures` and `answers` say what came out, `reading` fills the page's controls.
"""
