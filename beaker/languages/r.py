"""R, as IRkernel runs it.

An idle session writes its variables to a file: IRkernel answers no `user_expressions`. Everything happens within `local`, so no
name is left; active bindings, which run code, are named and not read. Nor is a method of the user's called: objects of a class
for which the session defines any are shown as the bare data they are.
"""

import re
from collections.abc import Sequence

from beaker.languages.language import DETAIL_CHARS, SUMMARY_CHARS, VARIABLES, Language, Look, Sight
from beaker.languages.quoting import Literals, double_quoted, quoted
from beaker.languages.records import read_records

LIST = r"""local({
  names <- ls(globalenv(), sorted = FALSE)
  head <- function(texts, room) paste0(paste(.subset(texts, seq_len(min(length(texts), room))), collapse = ", "),
    if (length(texts) > room) ", ...")
  tell <- function(name) {
    if (bindingIsActive(as.name(name), globalenv())) return(paste(name, "active binding", "", sep = "\x1f"))
    value <- get(name, envir = globalenv(), inherits = FALSE)
    about <- if (is.function(value)) paste0("(", paste(names(formals(args(value))), collapse = ", "), ")")
      else if (is.environment(value)) paste("names", head(ls(value), 20L))
      else if (typeof(value) == "S4") paste("slots", head(methods::slotNames(class(value)), 20L))
      else if (inherits(value, "data.frame")) {
        columns <- unclass(value)
        kinds <- vapply(.subset(columns, seq_len(min(20L, length(columns)))), function(each) class(each)[1L], "")
        paste0(.row_names_info(value, 2L), " rows x ", length(columns), " columns: ", head(paste0(names(kinds), " (", kinds, ")"), 20L),
          if (length(columns) > 20L) ", ...")
      }
      else if (!is.object(value) && is.atomic(value)) paste0(
        if (is.null(dim(value))) "length " else paste0(paste(dim(value), collapse = " x "), ", length "), length(value), ": ",
        head(format(.subset(value, seq_len(min(6L, length(value))))), 6L), if (length(value) > 6L) ", ...")
      else paste("length", length(unclass(value)))
    paste(name, class(value)[1L], substr(about, 1L, <summary>L), sep = "\x1f")
  }
  told <- vapply(.subset(names, seq_len(min(<limit>L, length(names)))), function(name)
    tryCatch(tell(name), error = function(e) paste(name, "", "", sep = "\x1f")), "")
  writeLines(paste0(paste(told, collapse = "\x1e"), "\x04"), <path>, useBytes = TRUE)
  invisible(NULL)
})"""

DETAIL = r"""local({
  name <- <name>
  defined <- ls(globalenv(), all.names = TRUE)
  own <- function(value) is.object(value) &&
    any(vapply(class(value), function(each) any(endsWith(defined, paste0(".", each))), NA))
  plain <- function(value, depth) {
    if (is.environment(value)) {
      names <- paste(utils::head(ls(value), 60L), collapse = ", ")
      return(as.name(paste0("<", class(value)[1L], ": ", names, ">")))
    }
    if (typeof(value) == "S4") {
      slots <- methods::slotNames(class(value))
      value <- lapply(`names<-`(slots, slots), function(slot) methods::slot(value, slot))
    }
    if (own(value)) value <- unclass(value)
    if (typeof(value) == "list" && depth > 0L) {
      kept <- attributes(value)
      value <- unclass(value)
      for (i in seq_len(min(60L, length(value)))) if (!is.null(value[[i]])) value[[i]] <- plain(value[[i]], depth - 1L)
      attributes(value) <- kept
    }
    value
  }
  text <- if (!exists(name, envir = globalenv(), inherits = FALSE)) ""
    else if (bindingIsActive(as.name(name), globalenv())) "active binding\x1fit runs code when it is read"
    else {
      value <- get(name, envir = globalenv(), inherits = FALSE)
      kind <- class(value)[1L]
      frame <- inherits(value, "data.frame")
      lines <- tryCatch(utils::capture.output({
        bare <- is.environment(value)
        value <- plain(value, 3L)
        if (frame && !is.object(value)) class(value) <- "data.frame"
        if (bare || (is.function(value) && !is.object(value))) print(value)
        else utils::str(value, max.level = 2L, list.len = 60L, vec.len = 3L, give.attr = FALSE)
        if (frame) {
          cat("missing values:\n")
          print(vapply(unclass(value), function(each) sum(is.na(each)), 0L))
          print(summary(utils::head(value, 100000L)))
          print(utils::head(value, 5L))
        }
      }), error = function(e) "(could not be looked at)")
      paste0(kind, "\x1f", substr(paste(lines, collapse = "\n"), 1L, <detail>L))
    }
  writeLines(paste0(text, "\x04"), <path>, useBytes = TRUE)
  invisible(NULL)
})"""

LITERALS = Literals(
    none="NULL",
    true="TRUE",
    false="FALSE",
    nan="NaN",
    infinity="Inf",
    string=double_quoted,
    sequence=("list(", ")"),
    mapping=("list(", " = ", ")"),
)


class R(Language):
    """A session of IRkernel."""

    answers = "file"
    name_pattern = r"[^\W\d_](?:[\w.]*\w)?"

    def quote(self, value: object) -> str | None:
        """Lists, not vectors, since a list of JSON may mix types."""
        return quoted(value, LITERALS)

    def look(self, name: str | None, path: str) -> Look:
        """See the module's own words."""
        return Look(code=filled(LIST if name is None else DETAIL, name, path))

    def read(self, name: str | None, answer: str) -> Sight:
        """The file's text."""
        return read_records(name, answer)

    def assigned(self, code: str) -> Sequence[str]:
        """What stands left of an arrow or an equals sign at the beginning of a line."""
        return list(dict.fromkeys(re.findall(r"^([^\W\d_][\w.]*)\s*(?:<-|=(?!=))", code, re.MULTILINE)))


def filled(code: str, name: str | None, path: str) -> str:
    """Put the values into code of R or Julia; only texts and numbers of our own, never text of a user's but as a literal."""
    numbers = {"summary": SUMMARY_CHARS, "limit": VARIABLES, "detail": DETAIL_CHARS}
    values = {**numbers, "path": double_quoted(path), "name": double_quoted(name or "")}
    return re.sub(r"<(\w+)>", lambda found: str(values[found[1]]), code)
