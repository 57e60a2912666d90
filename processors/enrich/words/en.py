"""English."""

from __future__ import annotations

from processors.enrich.text import word_set
from processors.enrich.words.shape import FigureWords, kinds, qualified, things

_UNITS = "zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen sixteen "
_TENS = "twenty thirty forty fifty sixty seventy eighty ninety"
NUMBERS = {word: value for value, word in enumerate((_UNITS + "seventeen eighteen nineteen").split())}
NUMBERS.update({word: 20 + 10 * i for i, word in enumerate(_TENS.split())})
NUMBERS["dozen"] = 12  # a number by itself and a scale behind one, as "two dozen"

FIGURES = FigureWords(
    numbers=NUMBERS,
    scales={
        "dozen": 12,
        "hundred": 100,
        "thousand": 1_000,
        "million": 1_000_000,
        "mln": 1_000_000,
        "billion": 1_000_000_000,
    },
    vague={
        "half a dozen": 6,
        "dozens": 24,
        "dozens of": 24,
        "scores": 40,
        "scores of": 40,
        "hundreds": 200,
        "hundreds of": 200,
        "thousands": 2_000,
        "thousands of": 2_000,
        "tens of thousands": 20_000,
        "hundreds of thousands": 200_000,
        "millions of": 2_000_000,
    },
    joiners=frozenset({"and"}),
    qualifiers=qualified(
        over="over | more than | above | upwards of | in excess of | exceeding | well over | beyond | higher than",
        at_least="at least | no fewer than | no less than | not fewer than | not less than | a minimum of | minimum",
        at_most="up to | as many as | at most | no more than | not more than | a maximum of | fewer than | less than"
        " | under | below | maximum",
        about="about | around | some | roughly | approximately | nearly | almost | close to | an estimated | estimated"
        " | circa | approx | just under | nearly about",
    ),
    after=qualified(at_least="or more | or so more", at_most="or fewer | or less | at most", about="or so"),
    kinds=kinds(
        {
            (
                "killed",
                "p",
            ): "killed | slain | shot dead | stabbed to death | burned to death | murdered | crushed to death"
            " | confirmed dead | found dead | left dead | pronounced dead | feared dead | beaten to death",
            ("killed", "n"): "dead | deaths | fatalities | fatality | dead bodies",
            (
                "killed",
                "a",
            ): "kill | kills | killing | claims the lives of | claimed the lives of | claiming the lives of"
            " | took the lives of | claims | leaves dead",
            ("killed", "i"): "died | die | dies | perished | drowned | lost their lives | lose their lives | lost lives"
            " | have died | lives lost | lives were lost",
            ("killed", "o"): "death of | deaths of | killing of | murder of | murders of",
            ("killed", "t"): "death toll | number of dead | number of deaths | toll | number of those killed",
            ("injured", "p"): "injured | wounded | hurt | maimed",
            ("injured", "n"): "injuries",
            ("injured", "a"): "injure | injures | injuring | wound | wounds | wounding | hurting",
            ("injured", "o"): "injury of | injuries to | wounding of",
            ("injured", "t"): "number of injured | number of wounded | number of injuries",
            ("detained", "p"): "detained | taken into custody | rounded up | in custody | held in custody",
            ("detained", "n"): "detentions | detainees",
            ("detained", "a"): "detain | detains | detaining",
            ("detained", "o"): "detention of",
            ("detained", "t"): "number of detained | number of detainees",
            ("arrested", "p"): "arrested | placed under arrest | under arrest | arrests",
            ("arrested", "a"): "arrest | arresting",
            ("arrested", "o"): "arrest of | arrests of",
            ("arrested", "t"): "number of arrests",
            ("missing", "p"): "reported missing | unaccounted for | still missing | remain missing",
            ("missing", "n"): "missing",
            ("missing", "i"): "disappeared | went missing | gone missing | remained missing",
            ("missing", "t"): "number of missing",
            ("hospitalised", "p"): "hospitalised | hospitalized | taken to hospital | taken to hospitals"
            " | taken to the hospital | rushed to hospital | rushed to hospitals | admitted to hospital"
            " | admitted to hospitals | treated in hospital | brought to hospital | sent to hospital"
            " | taken to a hospital | taken to local hospitals | sent to hospitals | transferred to hospital",
            ("hospitalised", "a"): "hospitalises | hospitalizes | hospitalising | hospitalizing",
            ("hospitalised", "o"): "hospitalisation of | hospitalization of",
            ("evacuated", "p"): "evacuated | forced to evacuate | told to evacuate | ordered to evacuate"
            " | under evacuation orders | airlifted to safety",
            ("evacuated", "n"): "evacuees | evacuations",
            ("evacuated", "a"): "evacuate | evacuates | evacuating",
            ("evacuated", "o"): "evacuation of",
            ("displaced", "p"): "displaced | left homeless | made homeless | driven from their homes"
            " | forced from their homes | forced to flee | uprooted | internally displaced",
            ("displaced", "i"): "fled their homes | flee their homes | have fled | lost their homes",
            ("displaced", "a"): "displace | displaces | displacing | uproots",
            ("displaced", "o"): "displacement of",
        }
    ),
    left=frozenset("pao"),
    people=word_set(
        "people persons person individuals civilians children child women woman men man boys girls adults teenagers "
        "protesters protestors demonstrators rioters looters activists residents citizens nationals foreigners "
        "villagers policemen police officers officer soldiers soldier troops servicemen servicewomen personnel "
        "peacekeepers guards guardsmen militants militant insurgents rebels fighters gunmen gunman attackers attacker "
        "terrorists terrorist criminals suspects suspect robbers hostages hostage prisoners inmates inmate detainees "
        "passengers passenger crew sailors fishermen pilots workers worker employees miners students student pupils "
        "teachers doctors nurses medics patients firefighters rescuers volunteers journalists reporters tourists "
        "pilgrims migrants refugees evacuees victims casualties survivors families others members lawmakers diplomats "
        "drivers motorists shoppers worshippers customers bystanders pedestrians hikers climbers swimmers skiers "
        "athletes fans spectators youths elders farmers monks priests nuns infants babies toddlers seniors pensioners "
        "locals participants conscripts recruits reservists commandos marines paratroopers mercenaries combatants "
        "separatists extremists smugglers traffickers settlers colleagues relatives bodies corpses"
    ),
    things=things(
        {
            "wave": "waves wave",
            "attack": "attacks attack",
            "explosion": "explosions explosion blasts blast",
            "strike": "strikes airstrikes",
            "missile": "missiles missile rockets rocket",
            "drone": "drones drone",
            "building": "buildings building",
            "house": "houses homes house dwellings",
            "household": "households",
            "school": "schools school",
            "vehicle": "vehicles vehicle cars buses trucks ambulances",
            "aircraft": "aircraft planes helicopters jets",
            "ship": "ships boats vessels",
            "village": "villages settlements",
            "case": "cases infections",
            "hectare": "hectares hectare ha",
            "acre": "acres acre",
            "fire": "fires wildfires bushfires",
            "aftershock": "aftershocks",
            "weapon": "weapons firearms guns rifles",
        }
    ),
    uncounted=word_set(
        "percent per pct percentage gmt utc am pm o clock hours hour minutes minute seconds second days day weeks "
        "week months month years year decades century km kilometres kilometers metres meters miles mile feet ft "
        "inches mph kph kg tonnes tons dollars dollar dlrs euros euro pounds pence cents rubles roubles yen yuan "
        "rupees tenge francs pesos lira degrees celsius fahrenheit magnitude points point votes goals runs wickets "
        "overs litres barrels january february march april may june july august september october november december "
        "jan feb mar apr jun jul aug sep sept oct nov dec fold times time th st nd rd old bn mph knots kilos "
        "kilograms grams sources mg ml megawatts mw gw bpd shares hundredths thirds stars"
    ),
    named=word_set(
        "channel flight article section highway route page no number g boeing airbus covid chapter level phase type "
        "grade room gate january february march april june july august september october november december jan feb "
        "mar apr jun jul aug sep sept oct nov dec aged age version season episode group act rule step win ages "
        "resolution protocol paragraph unit apollo psalm windows iphone radio tv number"
    ),
    auxiliaries=word_set("was were is are been be being have has had got remain remained left who"),
    crossing=word_set("in at of from on near across over during inside outside off along among aboard between"),
    stops=word_set(
        "and or but while as after when before since because if to by for with that which amid although though then "
        "where following despite until unless versus than against accused suspected said says reported told including "
        "says say saw killing injuring wounding arresting detaining after"
    ),
    objects=word_set("a an the his her its their several many another one some dozens hundreds scores two"),
    including=frozenset(
        {"including", "among them", "of them", "of whom", "including at least", "among whom", "include"}
    ),
    of_these=frozenset({"of them", "of whom", "of these", "of those", "of which", "of the"}),
    equal=frozenset({"an equal number", "the same number", "equal number", "as many again", "a similar number"}),
    skipped=word_set("another a further additional total of in all altogether just only already other"),
    together=word_set("and ,"),
    topics=word_set(
        "information report reports talk talks concern concerns concerned news worried data story claims questions "
        "know known knew warned message details what"
    ),
    decimal_comma=False,
)
