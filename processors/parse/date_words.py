"""Words in dates, case-folded: months, weekdays, noon and midnight, and what may stand between."""

from __future__ import annotations

from processors.parse.words import word_set

_MONTHS = """
1 january jan januar janv janvier enero ene gennaio gen janeiro januari jänner stycznia января янв ianuarie
1 ιαν ιανουαρίου január ocak
2 february feb februar févr février fév febrero febbraio fevereiro fev februari lutego февраля фев
2 februarie φεβ φεβρουαρίου február helmikuuta şubat
3 march mar märz mrz mars marzo março maart marca марта мар martie μαρ μαρτίου március maaliskuuta mart
4 april apr avril avr abril abr aprile kwietnia апреля апр aprilie απρ απριλίου április huhtikuuta nisan
5 may mai mayo maggio mag maio mei maja мая май μαι μαϊ μαΐου május toukokuuta mayıs
6 june jun juni juin junio giugno giu junho czerwca июня июн iunie ιουν ιούν ιουνίου június kesäkuuta
6 haziran
7 july jul juli juil juillet julio luglio lug julho lipca июля июл iulie ιουλ ιούλ ιουλίου július
7 heinäkuuta temmuz
8 august aug août aou agosto ago augustus sierpnia августа авг αυγ αυγούστου augusztus elokuuta ağustos
9 september sep sept septembre septiembre settembre set setembro września сентября сен сент septembrie σεπ
9 σεπτεμβρίου syyskuuta eylül
10 october oct oktober okt octobre octubre ottobre ott outubro out października октября окт octombrie οκτ
10 οκτωβρίου október lokakuuta ekim
11 november nov novembre noviembre novembro listopada ноября ноя нояб noiembrie νοε νοεμβρίου marraskuuta
11 kasım
12 december dec dezember dez décembre déc diciembre dic dicembre dezembro grudnia декабря дек decembrie δεκ
12 δεκεμβρίου joulukuuta aralık
"""
MONTHS = {
    name: int(line.partition(" ")[0]) for line in _MONTHS.strip().splitlines() for name in line.casefold().split()[1:]
}

_WEEKDAYS = """
monday mon montag mo lundi lun lunes lunedì lun segunda maandag ma poniedziałek понедельник пн δευ hétfő
tuesday tue tues dienstag di mardi mar martes martedì terça dinsdag wtorek вторник вт τρι kedd
wednesday wed mittwoch mi mercredi mer miércoles mié mercoledì quarta woensdag wo środa среда ср τετ szerda
thursday thu thur thurs donnerstag do jeudi jeu jueves jue giovedì gio quinta donderdag czwartek четверг чт πεμ
friday fri freitag fr vendredi ven viernes vie venerdì sexta vrijdag vr piątek пятница пт παρ péntek
saturday sat samstag sonnabend sa samedi sam sábado sáb sabato sab zaterdag za sobota суббота сб σαβ σάβ szombat
sunday sun sonntag so dimanche dim domingo dom domenica zondag zo niedziela воскресенье вс κυρ vasárnap
"""
WEEKDAYS = frozenset(_WEEKDAYS.casefold().split()) - MONTHS.keys()

AFTER_NOON = frozenset({"pm", "오후", "下午", "μμ", "p"})
BEFORE_NOON = frozenset({"am", "오전", "上午", "πμ", "a"})

FILLER = word_set(
    "at on um uhr den der le à de del a las les of ora ore alle h klo kl o'clock г в and noon published updated "
    "posted last the år am kello saat gmt"
) - {"am", "gmt"}
