"""Spanish."""

from __future__ import annotations

from processors.enrich.text import word_set
from processors.enrich.words.shape import FigureWords, kinds, qualified, things

_UNITS = (
    "cero uno dos tres cuatro cinco seis siete ocho nueve diez once doce trece catorce quince dieciseis diecisiete "
)
NUMBERS = {word: value for value, word in enumerate((_UNITS + "dieciocho diecinueve veinte veintiuno").split())}
NUMBERS.update(
    {
        "un": 1,
        "una": 1,
        "veintiun": 21,
        "veintiuna": 21,
        "treinta": 30,
        "cuarenta": 40,
        "cincuenta": 50,
        "sesenta": 60,
        "setenta": 70,
    }
)
NUMBERS.update({"ochenta": 80, "noventa": 90, "docena": 12, "veintidos": 22, "veintitres": 23, "veinticuatro": 24})
NUMBERS.update({"veinticinco": 25, "veintiseis": 26, "veintisiete": 27, "veintiocho": 28, "veintinueve": 29})
NUMBERS.update({"doscientos": 200, "doscientas": 200, "trescientos": 300, "trescientas": 300, "quinientos": 500})

FIGURES = FigureWords(
    numbers=NUMBERS,
    scales={"cien": 100, "ciento": 100, "mil": 1_000, "millon": 1_000_000, "millones": 1_000_000},
    vague={
        "decenas de": 20,
        "docenas de": 24,
        "cientos de": 200,
        "centenares de": 200,
        "miles de": 2_000,
        "decenas de miles de": 20_000,
        "media docena de": 6,
        "una docena de": 12,
        "una veintena de": 20,
        "un centenar de": 100,
        "un millar de": 1_000,
    },
    joiners=frozenset({"y"}),
    qualifiers=qualified(
        over="mas de | por encima de",
        at_least="al menos | por lo menos | como minimo | no menos de",
        at_most="hasta | como maximo | menos de | no mas de | a lo sumo",
        about="unos | unas | cerca de | alrededor de | aproximadamente | casi | en torno a",
    ),
    after=qualified(at_least="o mas"),
    kinds=kinds(
        {
            ("killed", "p"): "asesinados | asesinado | asesinadas | abatidos",
            (
                "killed",
                "n",
            ): "muertos | muerto | muertas | muertes | fallecidos | fallecidas | fallecido | victimas mortales",
            (
                "killed",
                "a",
            ): "mata | matan | mato | mataron | matando | mata a | mato a | mataron a | deja | dejo | dejan | dejaron",
            (
                "killed",
                "i",
            ): "murieron | murio | mueren | muere | fallecieron | fallecio | perdieron la vida | perecieron",
            ("killed", "o"): "muerte de",
            ("killed", "t"): "numero de muertos | cifra de muertos | numero de fallecidos",
            ("injured", "p"): "heridos | heridas | herido | lesionados | resultaron heridos | resultaron heridas",
            ("injured", "a"): "hirio | hirieron | hiriendo | hirio a | hirieron a | hiere | hieren",
            ("injured", "t"): "numero de heridos",
            ("detained", "p"): "detenidos | detenido | detenidas | detenida",
            ("detained", "n"): "detenciones",
            (
                "detained",
                "a",
            ): "detuvo | detuvieron | detuvo a | detuvieron a | detiene | detienen | detiene a | detienen a"
            " | deteniendo a",
            ("detained", "t"): "numero de detenidos",
            ("arrested", "p"): "arrestados | arrestado | arrestadas",
            ("arrested", "n"): "arrestos",
            ("arrested", "a"): "arresto a | arrestaron a | arresta a | arrestan a | arrestaron",
            ("missing", "n"): "desaparecidos | desaparecidas | desaparecido",
            ("missing", "t"): "numero de desaparecidos",
            ("hospitalised", "p"): "hospitalizados | hospitalizadas | hospitalizado | trasladados al hospital"
            " | trasladados a hospitales",
            ("evacuated", "p"): "evacuados | evacuadas | evacuado",
            ("evacuated", "a"): "evacuaron a | evacuo a | evacuan a",
            ("displaced", "p"): "desplazados | desplazadas | sin hogar",
            ("displaced", "n"): "damnificados",
        }
    ),
    left=frozenset("aiop"),
    people=word_set(
        "personas persona civiles ninos nino ninas mujeres mujer hombres hombre menores manifestantes policias "
        "policia agentes soldados soldado militares terroristas combatientes rebeldes atacantes rehenes presos "
        "reclusos pasajeros migrantes refugiados habitantes residentes trabajadores mineros estudiantes alumnos "
        "periodistas turistas pacientes bomberos rescatistas sospechosos victimas miembros otros otras activistas "
        "ciudadanos vecinos"
    ),
    things=things(
        {
            "wave": "oleadas olas",
            "attack": "ataques atentados",
            "explosion": "explosiones",
            "missile": "misiles cohetes",
            "drone": "drones",
            "building": "edificios",
            "house": "casas viviendas",
            "vehicle": "vehiculos coches",
            "hectare": "hectareas ha",
        }
    ),
    uncounted=word_set(
        "ciento por horas hora minutos minuto segundos dias dia semanas semana meses mes anos ano kilometros km "
        "metros kilos kg toneladas euros euro dolares dolar pesos soles grados puntos goles votos enero febrero marzo "
        "abril mayo junio julio agosto septiembre octubre noviembre diciembre veces siglo litros de fuentes"
    ),
    named=word_set(
        "enero febrero marzo abril mayo junio julio agosto septiembre octubre noviembre diciembre articulo canal "
        "vuelo numero ruta capitulo temporada fase nivel grupo"
    ),
    auxiliaries=word_set(
        "fueron fue han ha sido estan esta siguen sigue son resultaron resulto resultan quedaron quedan permanecen"
    ),
    crossing=word_set("en de del al a la el los las desde durante cerca tras por entre sobre"),
    stops=word_set("y e o pero mientras que cuando despues antes porque si para con segun aunque sin contra"),
    objects=word_set("un una sus su varios varias"),
    including=frozenset(
        {"entre ellos", "entre ellas", "incluidos", "incluidas", "incluyendo", "de los cuales", "incluido"}
    ),
    of_these=frozenset({"de ellos", "de ellas", "de los", "de las", "de estos"}),
    equal=frozenset({"igual numero de", "el mismo numero de", "otros tantos", "otras tantas"}),
    skipped=word_set("otros otras otro total de un a los las"),
    together=word_set("y e ,"),
)
