"""French."""

from __future__ import annotations

from processors.enrich.text import word_set
from processors.enrich.words.shape import FigureWords, kinds, qualified, things

_UNITS = "zero un deux trois quatre cinq six sept huit neuf dix onze douze treize quatorze quinze seize"
NUMBERS = {word: value for value, word in enumerate(_UNITS.split())}
NUMBERS.update({"une": 1, "vingt": 20, "vingts": 20, "trente": 30, "quarante": 40, "cinquante": 50, "soixante": 60})
NUMBERS.update({"septante": 70, "huitante": 80, "octante": 80, "nonante": 90, "douzaine": 12})

FIGURES = FigureWords(
    numbers=NUMBERS,
    scales={
        "douzaine": 12,
        "douzaines": 12,
        "cent": 100,
        "cents": 100,
        "mille": 1_000,
        "million": 1_000_000,
        "millions": 1_000_000,
        "milliards": 1_000_000_000,
    },
    vague={
        "dizaines de": 20,
        "des dizaines de": 20,
        "une dizaine de": 10,
        "une vingtaine de": 20,
        "une trentaine de": 30,
        "une quarantaine de": 40,
        "une cinquantaine de": 50,
        "une centaine de": 100,
        "centaines de": 200,
        "des centaines de": 200,
        "milliers de": 2_000,
        "des milliers de": 2_000,
        "un millier de": 1_000,
    },
    joiners=frozenset({"et"}),
    qualifiers=qualified(
        over="plus de | plus d | au dela de",
        at_least="au moins | au minimum | pas moins de",
        at_most="jusqu a | au plus | au maximum | moins de | pas plus de",
        about="environ | pres de | quelque | a peu pres | presque | autour de",
    ),
    after=qualified(at_least="ou plus", at_most="au plus"),
    kinds=kinds(
        {
            ("killed", "p"): "tues | tuee | tuees | abattus | abattu | assassines | decedes | decedees | decede",
            ("killed", "n"): "morts | mort | mortes | deces | victimes mortelles",
            ("killed", "a"): "tue | tuent | tuant | ont tue | a tue | fait | a fait | ont fait",
            ("killed", "i"): "sont morts | sont mortes | est mort | perdu la vie | meurent | peri",
            ("killed", "o"): "mort de",
            ("killed", "t"): "bilan | nombre de morts",
            ("injured", "p"): "blesse | blesses | blessee | blessees",
            ("injured", "a"): "blessant | blessent",
            ("injured", "t"): "nombre de blesses",
            ("detained", "p"): "interpelles | interpellee | interpellees | detenus | places en garde a vue"
            " | en garde a vue | retenus | placees en garde a vue",
            ("detained", "n"): "interpellations | gardes a vue",
            ("detained", "a"): "interpelle | interpellent | interpellant",
            ("arrested", "p"): "arretes | arretee | arretees",
            ("arrested", "n"): "arrestations",
            ("arrested", "a"): "arrete | arretent | arretant",
            ("missing", "p"): "portes disparus | portees disparues | porte disparu",
            ("missing", "n"): "disparus | disparu | disparues",
            ("hospitalised", "p"): "hospitalise | hospitalises | hospitalisee | hospitalisees",
            ("hospitalised", "n"): "hospitalisations",
            ("evacuated", "p"): "evacue | evacues | evacuee | evacuees",
            ("displaced", "p"): "deplace | deplaces | deplacee | deplacees | sans abri",
        }
    ),
    left=frozenset("aopi"),
    people=word_set(
        "personnes personne civils enfants enfant femmes femme hommes homme manifestants policiers policier gendarmes "
        "soldats soldat militaires terroristes combattants rebelles assaillants otages prisonniers detenus passagers "
        "migrants refugies habitants residents ouvriers mineurs eleves etudiants journalistes touristes patients "
        "pompiers secouristes suspects victimes membres autres militants citoyens ressortissants emeutiers gens"
    ),
    things=things(
        {
            "wave": "vagues vague",
            "attack": "attaques attentats",
            "explosion": "explosions",
            "missile": "missiles roquettes",
            "drone": "drones",
            "building": "batiments immeubles",
            "house": "maisons logements",
            "vehicle": "vehicules voitures",
            "hectare": "hectares ha",
        }
    ),
    uncounted=word_set(
        "pourcent pour h heures heure minutes minute secondes jours jour semaines semaine mois ans an annees "
        "kilometres km metres kilos kg tonnes euros euro dollars francs degres points buts voix janvier fevrier mars "
        "avril mai juin juillet aout septembre octobre novembre decembre fois siecle litres sources eme e er"
    ),
    named=word_set(
        "janvier fevrier mars avril juin juillet aout septembre octobre novembre decembre article chaine vol numero "
        "no n route chapitre saison phase niveau groupe"
    ),
    auxiliaries=word_set("ont a ete sont est etaient etait furent fut auraient aurait seraient serait etre avaient"),
    crossing=word_set("dans en a au aux sur de du des d l la le les pres pendant lors par"),
    stops=word_set(
        "et ou mais alors que qui apres avant parce si pour avec dont selon tandis lorsque sans contre quand"
    ),
    objects=word_set("un une des son ses leurs plusieurs"),
    including=frozenset({"dont", "parmi lesquels", "parmi lesquelles", "parmi eux", "y compris", "dont au moins"}),
    of_these=frozenset({"d entre eux", "d entre elles", "des", "de ces"}),
    equal=frozenset({"autant de", "un nombre egal de", "le meme nombre de"}),
    skipped=word_set("autres total de d un en bilan les des"),
    together=word_set("et ,"),
    spaced_groups=True,
)
