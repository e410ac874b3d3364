"""The live page that ``letheon explore`` serves; every number on it comes from the pipeline of the command line.

`server` serves it, `connection` and `guard` keep strangers out, `app` answers requests, `limits` bounds them, `pool`
hands work to processes, `compute` runs it there, `figures` and `answers` say what came out, `presets` and `reading`
carry regimens to the page. The page itself lies in ``static``.
"""
