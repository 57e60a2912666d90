"""Words by which an edit's meaning is told, where the enrichment's readers have none: short lists, whole words."""

from __future__ import annotations


def _words(text: str) -> frozenset[str]:
    # compared with case-folded text, where ß is ss
    return frozenset(text.casefold().split())


def _phrases(text: str) -> list[str]:
    return [" ".join(phrase.split()) for phrase in text.split("|")]


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

NEGATIONS = _words(
    """
    not no never none nobody nothing neither nor cannot nicht kein keine keinen keiner keinem nie niemals niemand
    nichts pas aucun aucune jamais rien personne nunca ningún ninguno ninguna nadie nada tampoco не нет ни никогда
    никто ничего никаких нельзя
    non nessuno nessuna mai não nenhum nenhuma ninguém niet geen nooit niemand inte ikke ingen aldrig aldri
    değil yok ні ніхто ніколи لا لم لن ليس ليست
    """
)
DENIALS = _words(
    """
    denies deny denied denying refutes refuted refuses refused refusing rejects rejected dismisses dismissed
    dementiert dementierte dementieren bestreitet bestritt bestreiten verneint dément démentent démenti nie nient
    niega niegan negó desmiente desmienten desmintió rechaza rechazan опроверг опровергла опровергли опровергает
    отрицает отрицают отверг отвергли отвергает smentisce smentiscono smentito nega negano negam desmente desmentem
    ontkent ontkennen ontkende zaprzecza zaprzeczają zaprzeczył dementuje yalanladı yalanlıyor reddetti förnekar
    dementerar benekter nægter заперечує заперечують نفى نفت ينفي تنفي
    """
)
POSSIBLE = _phrases(
    """
    possibly | possible | perhaps | maybe | may | might | could | appears to | appear to | appeared to | seems to
    | apparently | suspected | presumed | believed to | thought to | feared | likely | unlikely | probably | rumoured
    | rumored | rumours | unclear | potentially | mutmaßlich | mutmaßliche | mutmaßlicher | mutmaßlichen | offenbar
    | vermutlich | möglicherweise | wohl | vielleicht | wahrscheinlich | könnte | könnten | soll | sollen | womöglich
    | présumé | présumée | présumés | apparemment | peut être | probablement | sans doute | pourrait | pourraient
    | aurait | auraient | serait | seraient | presunto | presunta | presuntos | posible | posibles | posiblemente
    | aparentemente | probablemente | quizá | quizás | tal vez | podría | podrían | habría | habrían | sería | serían
    | предположительно | возможно | вероятно | может | могут | мог | могли | по видимому | видимо | не исключено
    """
)
HEDGE_WORDS = frozenset(phrase for phrase in POSSIBLE if " " not in phrase) | _words(
    "reportedly allegedly alleged claims claim claimed unconfirmed angeblich якобы supuestamente prétendument"
)
SOURCE_CUES = _phrases(
    """
    according to | officials say | officials said | police say | police said | sources say | sources said
    | witnesses say | witnesses said | reports say | authorities say | authorities said | laut | zufolge
    | nach angaben | nach polizeiangaben | teilte die | teilte der | teilte das | teilten die
    | selon | d après | selon la police | según | de acuerdo con | afirma
    | afirman | dice | dicen | по данным | по словам | по информации | сообщает | сообщают | сообщили | сообщил
    | заявил | заявила | заявили | sagte | sagt | teilte mit | teilten mit | meldet | melden | a déclaré | a annoncé
    | a indiqué | affirme | affirment | dijo | informó | informaron | aseguró
    """
)
LOCATIVES = _words(
    """
    in at near from outside around across inside towards toward bei nahe aus à au en dans près depuis desde cerca в
    во на под около из nach vers hacia
    """
)
NO_PLACES = _words(
    """
    january february march april may june july august september october november december monday tuesday wednesday
    thursday friday saturday sunday januar februar marz mai juni juli oktober dezember montag dienstag mittwoch
    donnerstag freitag samstag sonntag english german french spanish russian spring summer autumn winter parliament
    court brief focus
    """
)
_MARK = r"\b\s?[:.,–—(-]"
CORRECTIONS = (
    r"^\W{0,3}(?:corrections?|corrections? and clarifications?|clarification|erratum|corrigendum|editor['’]s note)"
    + _MARK,
    (
        r"^\W{0,3}(?:corrects|corrected|correcting|clarifies)\b.{0,40}(?::|\b(?:headline|paragraph|to say|to show|"
        r"throughout|figure|name|spelling|date))"
    ),
    r"\b(?:an|a|the) (?:earlier|previous|original) version of this\b",
    (
        r"\bthis (?:article|story|post|report|entry|headline|page|piece|update|item) (?:has been|was|is) (?:\w+ )?"
        r"(?:corrected|amended|clarified)\b"
    ),
    (
        r"\b(?:we|was|were) (?:earlier |previously )?(?:incorrectly|wrongly|mistakenly|erroneously) "
        r"(?:reported|said|stated|named|identified)\b"
    ),
    r"^\W{0,3}(?:berichtigung|korrektur|richtigstellung)" + _MARK,
    r"\bin einer (?:früheren|vorherigen|ersten) (?:version|fassung)\b",
    r"^\W{0,3}(?:rectificatif|précision)" + _MARK,
    r"\bune (?:version précédente|première version|version antérieure)\b",
    r"^\W{0,3}(?:fe de erratas|fe de errores|corrección|rectificación|aclaración)" + _MARK,
    r"\buna versi[oó]n anterior\b",
    r"^\W{0,3}(?:уточнение|исправление|исправлено|поправка)" + _MARK,
    r"\bв (?:более ранней|предыдущей|первоначальной) версии\b",
)
