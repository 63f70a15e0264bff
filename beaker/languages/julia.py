"""Julia, as IJulia runs it.

An idle session writes its variables to a file. Everything happens within a `let`, so no name is left. Values are shown only
where their type is Julia's own; a `show` of the user's is never called.
"""

import re
from collections.abc import Sequence

from beaker.languages.language import DETAIL_CHARS, SUMMARY_CHARS, VARIABLES, Language, Look, Sight
from beaker.languages.quoting import Literals, double_quoted, quoted
from beaker.languages.records import read_records

TELL = r"""
  own(value) = parentmodule(typeof(value)) in (Core, Base)
  function about(value, room)
    text = value isa Function ? string("function with ", length(methods(value)), " methods") :
      value isa Module ? "module" :
      value isa AbstractArray ? string("size ", size(value), ", elements ", eltype(value)) :
      hasproperty(value, :colindex) ? string(Base.invokelatest(size, value)[1], " rows x ", Base.invokelatest(size, value)[2], " columns: ",
        join(Base.invokelatest(names, value), ", ")) :
      own(value) && !(value isa AbstractDict || value isa AbstractSet) ? sprint(show, value; context = (:limit => true)) :
      value isa Union{AbstractDict, AbstractSet} ? string(length(value), " items") :
      join(string.(fieldnames(typeof(value))), ", ")
    first(text, room)
  end
"""

LIST = (
    "let"
    + TELL
    + r"""
  told = String[]
  for name in names(Main; all = true)
    (startswith(string(name), "#") || name in (:Main, :Base, :Core, :ans, :eval, :include) || !isdefined(Main, name)) && continue
    value = getfield(Main, name)
    push!(told, string(name, '\x1f', typeof(value), '\x1f', try about(value, <summary>) catch; "" end))
    length(told) == <limit> && break
  end
  open(io -> print(io, join(told, '\x1e'), '\x04'), <path>, "w")
  nothing
end"""
)

DETAIL = (
    "let"
    + TELL
    + r"""
  name = Symbol(<name>)
  open(<path>, "w") do io
    if isdefined(Main, name)
      value = getfield(Main, name)
      print(io, typeof(value), '\x1f', try about(value, <detail>) catch; "(could not be looked at)" end)
      if value isa AbstractArray{<:Real} && !isempty(value)
        sample = view(value, 1:max(1, length(value) ÷ 100000):length(value))
        print(io, "\nrange ", minimum(sample), " .. ", maximum(sample), "\nfirst values: ", join(collect(Iterators.take(value, 10)), ", "))
      end
    end
    print(io, '\x04')
  end
  nothing
end"""
)


def _text(text: str) -> str:
    return double_quoted(text).replace("$", "\\$")


LITERALS = Literals(
    none="nothing",
    true="true",
    false="false",
    nan="NaN",
    infinity="Inf",
    string=_text,
    sequence=("[", "]"),
    mapping=("Dict(", " => ", ")"),
)


class Julia(Language):
    """A session of IJulia."""

    answers = "file"

    def quote(self, value: object) -> str | None:
        """A dollar sign is escaped: in a text of Julia's it would insert a value."""
        return quoted(value, LITERALS)

    def look(self, name: str | None, path: str) -> Look:
        """See the module's own words."""
        values = {
            "summary": str(SUMMARY_CHARS),
            "limit": str(VARIABLES),
            "detail": str(DETAIL_CHARS),
            "path": LITERALS.string(path),
            "name": LITERALS.string(name or ""),
        }
        code = LIST if name is None else DETAIL
        return Look(code=re.sub(r"<(summary|limit|detail|path|name)>", lambda found: values[found[1]], code))

    def read(self, name: str | None, answer: str) -> Sight:
        """The file's text."""
        return read_records(name, answer)

    def assigned(self, code: str) -> Sequence[str]:
        """What stands left of an equals sign, and functions."""
        found = re.findall(r"^(?:([^\W\d]\w*)\s*=(?!=)|function\s+([^\W\d]\w*)|([^\W\d]\w*)\([^)\n]*\)\s*=(?!=))", code, re.MULTILINE)
        return list(dict.fromkeys(name for names in found for name in names if name))
