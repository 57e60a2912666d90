"""Words by which an edit's meaning is told. Short lists, whole words, several languages; not a gazetteer."""

from __future__ import annotations


def _words(text: str) -> frozenset[str]:
    # compared with case-folded text, where ß is ss
    return frozenset(text.casefold().split())


_KINDS = {
    "killed": """dead killed die dies died deaths death fatalities toll tote
        toten tot getötet gestorben morts mort mortes
        tués tué décès muertos muerto fallecidos погибших погибли погиб убиты убито умерли смертей""",
    "injured": """injured wounded hurt injuries verletzt verletzte verletzten blessés blessé heridos herido
        пострадавших пострадали ранены раненых ранено""",
    "detained": "detained detentions festgenommen festgenommene interpellés detenidos задержаны задержано задержанных",
    "arrested": "arrested arrests verhaftet verhaftete arrêtés arrêtées arrestados арестованы арестовано",
    "missing": "missing vermisst vermisste disparus disparues desaparecidos пропавших пропали",
    "hospitalised": """hospitalised hospitalized hospitalisés hospitalisées hospitalizados госпитализированы
        госпитализировано""",
    "evacuated": "evacuated evacuees evakuiert evakuierte évacués évacuées evacuados эвакуированы эвакуировано",
    "displaced": "displaced homeless vertrieben déplacés desplazados перемещены",
}
FIGURE_KINDS = {word: kind for kind, words in _KINDS.items() for word in words.casefold().split()}

_UNITS = """zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen sixteen
    seventeen eighteen nineteen"""
NUMBER_WORDS = {word: n for n, word in enumerate(_UNITS.split())}
NUMBER_WORDS.update(
    zip(["twenty", "thirty", "forty", "fifty", "sixty", "seventy", "eighty", "ninety"], range(20, 100, 10), strict=True)
)
NUMBER_WORDS.update({"hundred": 100, "thousand": 1_000, "million": 1_000_000, "billion": 1_000_000_000})
for _listed, _start in (
    ("zwei drei vier fünf sechs sieben acht neun zehn elf zwölf", 2),
    ("deux trois quatre cinq six sept huit neuf dix onze douze", 2),
    ("dos tres cuatro cinco seis siete ocho nueve diez once doce", 2),
    ("два три четыре пять шесть семь восемь девять десять одиннадцать двенадцать", 2),
    ("двух трёх четырёх пяти шести семи восьми девяти десяти", 2),
):
    NUMBER_WORDS.update({word: _start + n for n, word in enumerate(_listed.casefold().split())})
VAGUE_NUMBERS = _words(
    """
    dozen dozens score scores hundreds thousands millions several dutzende hunderte tausende millionen mehrere
    dizaines centaines milliers plusieurs decenas cientos miles varios десятки сотни тысячи несколько
    """
)

NEGATIONS = _words(
    """
    not no never none nobody nothing neither nor without denies deny denied denying refuses refused rejects rejected
    n't cannot nicht kein keine keinen keiner nie niemals niemand dementiert bestreitet ne n pas aucun aucune jamais
    dément démentent nie nunca ningún ninguno ninguna sin niega niegan desmiente не нет ни никогда никто без
    отрицает опроверг опровергли
    """
)
HEDGES = _words(
    """
    reportedly alleged allegedly claims claim claimed unconfirmed unverified possibly possible perhaps maybe may
    might could appears appear apparently suspected presumed believed likely rumoured rumored unclear mutmaßlich
    mutmaßliche angeblich offenbar vermutlich möglicherweise wohl présumé présumée présumés apparemment supposé
    possible peut-être selon presunto presunta presuntamente supuesto supuestamente posible posiblemente
    aparentemente якобы предположительно возможно вероятно
    """
)
ATTRIBUTIONS = _words(
    """
    says say said saying according told tells reports report reported reporting citing cites cited quoted quoting
    confirms confirmed announces announced source sources officials spokesman spokeswoman spokesperson witnesses
    agency laut zufolge sagte sagt berichtet berichten meldet melden teilte selon dit déclaré annonce annoncé
    indique rapporte según dijo dice informó informa aseguró afirmó сообщил сообщила сообщили сообщает заявил
    заявила заявили данным словам
    """
)
LOCATIVES = _words(
    """
    in at near from outside around across inside towards toward bei nahe aus à au en dans près depuis desde cerca в
    во на под около из
    """
)
CORRECTIONS = (
    "correction",
    "corrected",
    "an earlier version",
    "a previous version",
    "this article was amended",
    "this story has been corrected",
    "clarification",
    "erratum",
    "berichtigung",
    "in einer früheren version",
    "korrektur",
    "rectificatif",
    "une version précédente",
    "fe de erratas",
    "fe de errores",
    "corrección",
    "уточнение",
    "исправлено",
)
MONTHS = _words(
    """
    jan feb mar apr may jun jul aug sep sept oct nov dec january february march april june july august september
    october november december januar februar märz mai juni juli oktober dezember janvier février mars avril juin
    juillet août septembre octobre novembre décembre enero febrero marzo abril mayo junio julio agosto septiembre
    octubre noviembre diciembre января февраля марта апреля мая июня июля августа сентября октября ноября декабря
    """
)
