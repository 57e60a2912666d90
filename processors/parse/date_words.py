"""Words in dates, case-folded: months, weekdays, noon and midnight, and what may stand between."""

from __future__ import annotations

import unicodedata

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
1 січня січ ledna led januára siječnja januara январь януари tammikuu januarie يناير ינואר stycz sty
2 лютого лют února úno februára veljače februara февруари شباط فبراير פברואר helmikuu
3 березня бер března bře marca ožujka marta marts maret مارس آذار מרץ marzec maaliskuu maart
4 квітня кві dubna dub apríla travnja aprila април أبريل ابريل نيسان אפריל kwi kwiecień huhtikuu
5 травня тра května kvě mája svibnja maja maj مايو أيار מאי toukokuu
6 червня чер června čvn lipnja juna юни يونيو حزيران יוני cze czerwiec kesäkuu
7 липня лип července čvc srpnja jula юли يوليو تموز יולי lip lipiec heinäkuu
8 серпня сер srpna srp augusta kolovoza avgusta augusti agustus أغسطس آب אוגוסט sie sierpień elokuu
9 вересня вер září zář septembra rujna септември سبتمبر أيلول ספטמבר wrz wrzesień syyskuu
10 жовтня жов října říj októbra oktobra октомври أكتوبر אוקטובר paź październik lokakuu
11 листопада лис novembra studenoga studenog novembera ноември نوفمبر נובמבר lis marraskuu
12 грудня гру prosince decembra prosinca desember des декември ديسمبر דצמבר gru grudzień joulukuu
1 oca
2 şub
3 μάρ
5 μάι μάϊ
6 haz
7 tem
8 αύγ ağu
9 eyl
10 eki
11 νοέ kas noy
12 ara
"""


def _folded(text: str) -> str:
    # case-folding may part a letter from its accent
    return unicodedata.normalize("NFKC", text.casefold())


MONTHS = {
    name: int(line.partition(" ")[0]) for line in _MONTHS.strip().splitlines() for name in _folded(line).split()[1:]
}

_WEEKDAYS = """
monday mon montag mo lundi lun lunes lunedì lun segunda maandag ma poniedziałek понедельник пн δευ hétfő
tuesday tue tues dienstag di mardi mar martes martedì terça dinsdag wtorek вторник вт τρι kedd
wednesday wed mittwoch mi mercredi mer miércoles mié mercoledì quarta woensdag wo środa среда ср τετ szerda
thursday thu thur thurs donnerstag do jeudi jeu jueves jue giovedì gio quinta donderdag czwartek четверг чт πεμ
friday fri freitag fr vendredi ven viernes vie venerdì sexta vrijdag vr piątek пятница пт παρ péntek
saturday sat samstag sonnabend sa samedi sam sábado sáb sabato sab zaterdag za sobota суббота сб σαβ σάβ szombat
sunday sun sonntag so dimanche dim domingo dom domenica zondag zo niedziela воскресенье вс κυρ vasárnap
понеділок måndag mandag maanantai maanantaina pondělí po pondelok ponedjeljak pazartesi pzt pon lør
вівторок tisdag tirsdag tiistai tiistaina úterý út utorak salı sal wt вівт
середа onsdag keskiviikko keskiviikkona středa st srijeda çarşamba çar śr
четвер torsdag torstai torstaina čtvrtek čt četvrtak perşembe per czw
п'ятниця fredag perjantai perjantaina pátek pá petak cuma cum pt
субота lördag lørdag lauantai lauantaina sobota so subota cumartesi cmt sob
неділя söndag søndag sunnuntai sunnuntaina neděle ne nedjelja pazar paz niedz
月 火 水 木 金 土 日 月曜日 火曜日 水曜日 木曜日 金曜日 土曜日 日曜日 월 화 수 목 금 토 일 월요일 화요일 수요일 목요일
금요일 토요일 일요일 星期一 星期二 星期三 星期四 星期五 星期六 星期日 星期天 周一 周二 周三 周四 周五 周六 周日
الإثنين الاثنين الثلاثاء الأربعاء الخميس الجمعة السبت الأحد senin selasa rabu kamis jumat sabtu minggu
tis tor fre lör sön man tir ons tors
"""
WEEKDAYS = frozenset(_folded(_WEEKDAYS).split()) - MONTHS.keys()
_DAYS_IN_ORDER = [line.split() for line in _folded(_WEEKDAYS).strip().splitlines()[:14]]
WEEKDAY_OF = {
    name: n % 7 for n, names in enumerate(_DAYS_IN_ORDER) for name in names if name in WEEKDAYS and len(name) > 2
}
"""Which day of the week a name is, Monday being 0; abbreviations of two letters are said of too many."""

AFTER_NOON = frozenset({"pm", "오후", "下午", "μμ", "p"})
BEFORE_NOON = frozenset({"am", "오전", "上午", "πμ", "a"})

FILLER = word_set(
    "at on um uhr den der le à de del a las les of ora ore alle h klo kl o'clock г в and noon published updated "
    "posted last the år am kello saat gmt kl v às o w godz saat pukul "
    "jam ob في الساعة בשעה den dne alle"
) - {"am", "gmt"}

_UNITS = """
1 s sec secs second seconds sekunde sekunden seconde secondes segundo segundos секунд секунды секунду secondi 秒 초
60 m min mins minute minutes minuten minuto minutos минут минуты минуту мин minuti minuut minuter minut minuty
60 dakika хвилин хвилини хв دقيقة دقائق 分 分钟 分鐘 분
3600 h hr hrs hour hours stunde stunden heure heures hora horas час часа часов std ora ore uur tim timme timmar
3600 godzin godziny saat годин години ساعة ساعات 小时 小時 時間 시간
86400 d day days tag tagen jour jours día días dia dias день дня дней giorno giorni dagen dag dagar dni gün днів дні
86400 يوم أيام 天 日 일
604800 w wk week weeks woche wochen semaine semaines semana semanas неделю недели недель
"""
SECONDS_OF = {
    name: int(line.partition(" ")[0]) for line in _folded(_UNITS).strip().splitlines() for name in line.split()[1:]
}
"""How long what a relative time counts is."""
