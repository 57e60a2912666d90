"""German."""

from __future__ import annotations

from processors.enrich.text import word_set
from processors.enrich.words.shape import FigureWords, kinds, qualified, things

_UNITS = "null eins zwei drei vier funf sechs sieben acht neun zehn elf zwolf dreizehn vierzehn funfzehn sechzehn "
_TENS = "zwanzig dreissig vierzig funfzig sechzig siebzig achtzig neunzig"
NUMBERS = {word: value for value, word in enumerate((_UNITS + "siebzehn achtzehn neunzehn").split())}
for _i, _ten in enumerate(_TENS.split()):
    NUMBERS[_ten] = 20 + 10 * _i
    for _unit, _word in enumerate(["ein", "zwei", "drei", "vier", "funf", "sechs", "sieben", "acht", "neun"], 1):
        NUMBERS[f"{_word}und{_ten}"] = 20 + 10 * _i + _unit
# written with ß, which folding keeps
NUMBERS.update({word.replace("dreissig", "dreißig"): value for word, value in NUMBERS.items() if "dreissig" in word})
NUMBERS.update({"ein": 1, "eine": 1, "einen": 1, "zwo": 2, "dutzend": 12, "hundert": 100, "tausend": 1000})
for _unit, _word in enumerate(["ein", "zwei", "drei", "vier", "funf", "sechs", "sieben", "acht", "neun"], 1):
    NUMBERS[f"{_word}hundert"] = 100 * _unit
    NUMBERS[f"{_word}tausend"] = 1000 * _unit

FIGURES = FigureWords(
    numbers=NUMBERS,
    scales={
        "dutzend": 12,
        "tausend": 1_000,
        "million": 1_000_000,
        "millionen": 1_000_000,
        "mio": 1_000_000,
        "milliarden": 1_000_000_000,
    },
    vague={
        "ein halbes dutzend": 6,
        "dutzende": 24,
        "hunderte": 200,
        "tausende": 2_000,
        "zehntausende": 20_000,
        "hunderttausende": 200_000,
    },
    joiners=frozenset(),
    qualifiers=qualified(
        over="uber | mehr als | gut | weit uber",
        at_least="mindestens | wenigstens | zumindest | nicht weniger als",
        at_most="bis zu | hochstens | maximal | nicht mehr als | weniger als | unter",
        about="etwa | rund | ungefahr | circa | ca | knapp | fast | annahernd | an die | schatzungsweise",
    ),
    after=qualified(at_least="oder mehr"),
    kinds=kinds(
        {
            (
                "killed",
                "p",
            ): "getotet | ermordet | erschossen | ums leben gekommen | gestorben | umgekommen | umgebracht",
            ("killed", "n"): "tote | toten | toter | todesopfer | todesopfern | todesfalle | leichen",
            ("killed", "a"): "totet | toteten | totete",
            (
                "killed",
                "i",
            ): "starben | starb | sterben | kamen ums leben | kommen ums leben | kam ums leben | ums leben",
            ("killed", "o"): "tod von",
            ("killed", "t"): "zahl der toten | zahl der todesopfer | opferzahl",
            ("injured", "p"): "verletzt | verwundet | schwerverletzt | leichtverletzt",
            ("injured", "n"): "verletzte | verletzten | verwundete | verwundeten | schwerverletzte | leichtverletzte",
            ("injured", "t"): "zahl der verletzten",
            ("detained", "p"): "in gewahrsam genommen | in gewahrsam",
            ("detained", "n"): "ingewahrsamnahmen",
            ("arrested", "p"): "festgenommen | verhaftet | inhaftiert | fest",
            ("arrested", "n"): "festnahmen | festgenommene | verhaftungen | verhaftete",
            ("arrested", "t"): "zahl der festnahmen | zahl der festgenommenen",
            ("missing", "p"): "vermisst | verschwunden | verschollen",
            ("missing", "n"): "vermisste | vermissten",
            ("missing", "t"): "zahl der vermissten",
            ("hospitalised", "p"): "ins krankenhaus gebracht | ins krankenhaus eingeliefert | in krankenhauser gebracht"
            " | in krankenhausern behandelt | im krankenhaus behandelt | in kliniken gebracht",
            ("evacuated", "p"): "evakuiert | in sicherheit gebracht",
            ("displaced", "p"): "vertrieben | obdachlos",
            ("displaced", "n"): "vertriebene | binnenvertriebene",
        }
    ),
    left=frozenset("aiop"),
    people=word_set(
        "menschen personen person leute zivilisten kinder kind frauen frau manner mann demonstranten protestierende "
        "polizisten polizist beamte soldaten soldat terroristen kampfer rebellen angreifer geiseln gefangene "
        "haftlinge passagiere fahrgaste insassen migranten fluchtlinge bewohner einwohner anwohner arbeiter bergleute "
        "schuler studenten journalisten touristen patienten feuerwehrleute helfer verdachtige opfer mitglieder "
        "weitere aktivisten burger einsatzkrafte polizeibeamte bewaffnete zuschauer fussganger radfahrer autofahrer"
    ),
    things=things(
        {
            "wave": "wellen welle",
            "attack": "angriffe anschlage",
            "explosion": "explosionen",
            "missile": "raketen",
            "drone": "drohnen",
            "building": "gebaude",
            "house": "hauser wohnungen",
            "vehicle": "fahrzeuge autos",
            "hectare": "hektar ha",
            "household": "haushalte",
        }
    ),
    uncounted=word_set(
        "prozent uhr stunden stunde minuten minute sekunden tage tagen tag wochen woche monate monaten monat jahre "
        "jahren jahr jahriger jahrige jahrigen kilometer km meter kilogramm kg tonnen euro dollar franken rubel grad "
        "punkte tore stimmen januar februar marz april mai juni juli august september oktober november dezember mal "
        "liter millimeter jahrhundert quellen"
    ),
    named=word_set(
        "januar februar marz april juni juli august september oktober november dezember artikel kanal flug nr nummer "
        "linie bundesstrasse autobahn absatz kapitel staffel phase stufe gruppe a b paragraf"
    ),
    auxiliaries=word_set(
        "wurden wurde werden sind ist waren war seien sei haben hat worden galten gelten blieben mussten"
    ),
    crossing=word_set("in im an am bei aus auf von vom uber unter nach durch vor neben zwischen wahrend seit"),
    stops=word_set(
        "und oder aber wahrend als nachdem bevor weil wenn um dass die der das welche deren denen darunter sagte "
        "teilte mit fur gegen ohne doch sowie"
    ),
    objects=word_set("den das ein eine einen seine ihre mehrere"),
    including=frozenset({"darunter", "unter ihnen", "davon", "darunter auch", "einschliesslich", "einschließlich"}),
    of_these=frozenset({"von ihnen", "davon", "der"}),
    equal=frozenset({"ebenso viele", "genauso viele", "gleich viele", "ebensoviele"}),
    skipped=word_set("weitere weiteren insgesamt noch sogar bereits andere auf"),
    together=word_set("und , sowie"),
)
