"""Where the control answers: a path that no AWS client asks for."""

PATH = "/_simulator"
