"""The report of an execution, made from its record alone: one page for people, and the timeline as a picture.

May import no other package of the engine; the command line and the suite use it.
Start with `page`.
"""
