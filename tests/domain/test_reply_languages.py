"""What patients of fourteen more languages write, read as the service reads it. ``|`` separates texts.

``test_reply.py`` has the rules and the six languages it began with; here each language shows that its list holds
together: whole sentences, politeness around them, slang, missing accents, Latin letters, and what must change nothing.
"""

from __future__ import annotations

import pytest

from reminders.domain.lexicon import Lexicon
from reminders.domain.reply import ALL, Intent, choice
from tests.domain.test_reply import ASK, NOTHING_CHANGES, C, Q, R, T, U, X, cases, intent
from tests.wordlists import LEXICONS, raw_list

S, H = Intent.STOP, Intent.HELP

CLEAR = {
    "it": {
        C: "nessun problema|sì|Si|SÌ!|siii|Sì grazie|sì, va bene|ok grazie|confermo|Confermo la visita, grazie|Buongiorno, confermo l'appuntamento"
        "|ci sarò|Ci saremo, grazie|certo|d'accordo|D’accordo|va benissimo|perfetto grazie mille|1 grazie|vengo|Sì dottoressa"
        "|a domani, ci sarò|volentieri|uno|nessun problema, ci sarò|confremo",
        X: "no|No grazie|no, mi dispiace|Purtroppo non posso venire|non vengo|Non ci sarò|annullare|Annullate l'appuntamento per favore"
        "|vorrei disdire la visita|Devo cancellare l'appuntamento|disdetta|Buonasera, devo disdire, grazie|non riesco a venire|due",
        R: "spostare|vorrei spostare l'appuntamento|Posso cambiare orario?|un altro giorno per favore|rimandare|Non posso venire, vorrei rimandare|tre",
        S: "STOP|basta messaggi|Non voglio più ricevere messaggi",
        H: "aiuto|aiuto?",
        T: "grazie|Grazie mille!|grazie per l'avviso",
        ASK: "niente|lasciamo stare|anullare|disidre",
    },
    "nl": {
        C: "geen probleem|ja|Ja hoor|JA!|jaaa|ja, dank u|oke|Is goed|prima, bedankt|Ik kom|ik kom eraan|Wij komen, dank u wel|bevestigd"
        "|Hierbij bevestig ik de afspraak|Ik zal er zijn|Tot dan|Tot morgen!|natuurlijk|akkoord|jazeker|1 alstublieft|Goedemorgen, ik kom"
        "|geen probleem, ik kom|een|bevestgd",
        X: "niet|nee|Nee dank u|nee, sorry|Helaas kan ik niet komen|ik kan niet komen|Ik kom niet|annuleren|Graag annuleren"
        "|Ik wil de afspraak annuleren|Ik moet helaas afzeggen|Kunt u mijn afspraak annuleren|afspraak afzeggen aub|ben verhinderd|twee",
        R: "verzetten|Kan ik de afspraak verzetten?|Ik wil graag een andere afspraak|andere tijd aub|Ik kan niet komen, graag verzetten|drie",
        S: "stop|afmelden|geen sms meer",
        H: "help|hulp nodig",
        T: "bedankt|Dank u wel|bedankt voor de herinnering",
        ASK: "laat maar|anulleren|afzegen",
    },
    "pl": {
        C: "nie ma problemu|tak|Tak!|TAK.|taak|tak, dziękuję|Tak dziekuje bardzo|ok|dobrze|potwierdzam|Potwierdzam wizytę|Dzień dobry, potwierdzam"
        "|będę|bede na pewno|Przyjdę, dziękuję|oczywiście|jasne|no|No tak|w porządku|do zobaczenia|zgadza się|1 proszę|Nie ma problemu, będę|potwierdzm",
        X: "nie|Nie.|nie, dziękuję|niestety nie|Niestety nie mogę przyjść|nie przyjdę|Nie będę mógł przyjść|odwołuję|Proszę odwołać wizytę"
        "|proszę o odwołanie wizyty|chcę anulować|Muszę odwołać wizytę|rezygnuję|Przepraszam, nie dam rady|dwa",
        R: "przełożyć|Chciałbym przełożyć wizytę|proszę o inny termin|Czy można zmienić termin?|inny dzień|Nie mogę przyjść, proszę o inny termin|trzy",
        S: "stop|wypisz mnie|nie wysyłajcie więcej sms",
        H: "pomoc|pomocy!",
        T: "dziękuję|dzięki|Dziękuję za przypomnienie",
        ASK: "nieważne|nic|odwoac|anulju",
    },
    "ru": {
        C: "нет проблем|да|Да!|ДА.|дааа|да, спасибо|Да конечно|ок|хорошо|Хорошо, спасибо|подтверждаю|Подтверждаю запись|Здравствуйте, подтверждаю"
        "|буду|Приду|придём вовремя|Конечно приду|договорились|ага|угу|1 спасибо|da|Нет проблем, приду|подтверждю|один|смогу",
        X: "нет|Нет.|нет, спасибо|Неа|не смогу|не приду|К сожалению не смогу прийти|Я не приду|отмена|Отмените запись пожалуйста"
        "|Прошу отменить приём|хочу отменить визит|меня не будет|не смогу прийти, отмените пожалуйста|2 спасибо|два",
        R: "перенести|Можно перенести?|хочу перенести запись|Перенесите пожалуйста|другой день|на другое время|Не смогу прийти, можно перенести?|три",
        S: "стоп|отписаться|не присылайте смс",
        H: "помощь|Помогите",
        T: "спасибо|Большое спасибо!|спс|спасибо за напоминание",
        ASK: "передумала|вряд ли",
    },
    "uk": {
        C: "немає проблем|так|Так!|ТАК.|так, дякую|авжеж|ок|добре|Добре, дякую|підтверджую|Підтверджую запис|Добрий день, підтверджую|буду|Прийду"
        "|Обов'язково прийду|звісно|згодна|ага|да|1 дякую|підтверджю|один|Немає проблем, буду",
        X: "ні|Ні.|ні, дякую|не зможу|не прийду|На жаль не зможу прийти|скасувати|Скасуйте запис будь ласка|хочу скасувати візит"
        "|прошу скасувати прийом|мене не буде|відмовляюсь|2|два",
        R: "перенести|Можна перенести?|хочу перенести запис|інший день|інший час будь ласка|Не зможу прийти, можна перенести?|три",
        S: "стоп|відписатися|відписатись",
        H: "допомога|Допоможіть",
        T: "дякую|Щиро дякую!|дякую за нагадування",
        ASK: "передумав|не думаю|скасувти",
    },
    "tr": {
        C: "sorun değil|evet|Evet!|EVET.|evett|evet teşekkürler|tamam|Tamamdır|olur|tabii ki|Onaylıyorum|onayliyorum|Randevumu onaylıyorum|geleceğim"
        "|Gelicem|Merhaba, geliyorum|Evet geleceğim inşallah|kesinlikle|uygundur|1 lütfen|sorun değil, geleceğim|e|onaylıyorm|bir",
        X: "hayır|HAYIR|hayir|h|hayır teşekkürler|gelemiyorum|Maalesef gelemeyeceğim|Gelemem|iptal|İPTAL|iptal edin lütfen"
        "|Randevumu iptal etmek istiyorum|randevuyu iptal eder misiniz|vazgeçtim|Kusura bakmayın gelemiyorum|iki",
        R: "ertele|Ertelemek istiyorum|randevumu ertelemek istiyorum|başka bir gün|Başka gün olsun|tarihi değiştirebilir miyiz|Gelemiyorum, ertelemek istiyorum|üç",
        S: "dur|stop|mesaj istemiyorum",
        H: "yardım|Yardım edin",
        T: "teşekkürler|Teşekkür ederim|sağolun|çok teşekkürler",
        ASK: "boşver|değil",
    },
    "ar": {
        C: "لا مشكلة|نعم|نَعَم|نعم شكرا|نعم، شكراً جزيلاً|اي|ايوه|أيوة|اه|تمام|تمام ان شاء الله|طيب|اوكي|موافق|أكيد|اكيد ان شاء الله|أؤكد الموعد"
        "|تأكيد|سأحضر|سوف أحضر إن شاء الله|جاي|السلام عليكم، نعم سأحضر|حاضر|ابشر|na3am|aywa|نعم يا دكتور|نعممم|١|لا مشكلة، سأحضر|واحد|ماشي",
        X: "لا|لأ|لا شكرا|كلا|للأسف لا|لا أستطيع|لن أحضر|للأسف لن أستطيع الحضور|ما اقدر اجي|مش جاي|إلغاء|الغاء الموعد|الغاء الموعد من فضلكم"
        "|أريد إلغاء الموعد|ابغى الغي الموعد|بدي الغي الموعد|كنسل|أعتذر عن الحضور|٢|اثنين",
        R: "تغيير الموعد|تأجيل|أريد تأجيل الموعد|ممكن نغير الموعد؟|موعد آخر|وقت ثاني|ابي اغير الموعد|لن أستطيع الحضور، أريد موعد آخر|٣|ثلاثة",
        S: "توقف|إيقاف|إلغاء الاشتراك",
        H: "مساعدة|أحتاج مساعدة",
        T: "شكرا|شكراً جزيلاً|مشكورين|جزاكم الله خيرا|يعطيكم العافية",
        ASK: "خلاص|مش مهم",
    },
    "hi": {
        C: "हाँ|हां|हा|जी|जी हाँ|जी हां धन्यवाद|ठीक है|ठीक है, धन्यवाद|बिल्कुल|जरूर|मैं आऊंगा|मैं समय पर आऊंगी|कन्फर्म|कंफर्म करें|ओके|haan|Haan ji"
        "|ha ji|thik hai|theek hai sir|aa jaunga|main aaunga|pakka|confirm kar do|नमस्ते, हां मैं आऊंगा|१|एक|कोई बात नहीं, मैं आऊंगा|ji thank you",
        X: "नहीं|नही|जी नहीं|नहीं धन्यवाद|nahi|nhi|मैं नहीं आऊंगा|नहीं आ सकता|माफ करें, नहीं आ पाऊंगा|रद्द करें|रद्द|कैंसिल कर दो|कृपया रद्द करें"
        "|अपॉइंटमेंट कैंसिल करना है|cancel kar do|appointment cancel karna hai|main nahi aa paunga|nahi aa sakta|२|दो",
        R: "समय बदलें|दूसरा समय|टाइम बदलना है|कोई और दिन|dusra time|time change karna hai|reschedule karo|तीन|३",
        S: "बंद करो|stop|मैसेज मत भेजो",
        H: "मदद|madad|सहायता",
        T: "धन्यवाद|बहुत बहुत धन्यवाद|shukriya|dhanyavad",
        ASK: "रहने दो|rehne do",
    },
    "zh_Hant": {
        C: "是|是的|好|好的|好的，謝謝|好喔|可以|沒問題|確認|我確認|確認預約|我會準時到|會到|收到，謝謝|OK|ok謝謝|嗯嗯|當然|係|好呀|冇問題|得|我會嚟|到時見|１|一|沒關係，我會到",
        X: "不|否|不是|不行|不用了，謝謝|不能來|我無法前往|來不了|去不了了|取消|取消預約|我要取消|請幫我取消|麻煩取消，謝謝|唔嚟喇|嚟唔到|唔使|我不去了，取消吧|二",
        R: "改期|改時間|我想改時間|可以改時間嗎|能不能改期？|換個時間|另約時間|來不了，想改期|三",
        S: "退訂|停止|不要再傳簡訊",
        H: "幫助|客服",
        T: "謝謝|感謝提醒|多謝|唔該|謝謝醫師",
        ASK: "算了|沒空",
    },
    "ja": {
        C: "はい|はい。|ハイ|はい、お願いします|はい！よろしくお願いいたします|はい、行きます|大丈夫です|了解です|了解しました、ありがとうございます|承知しました|わかりました"
        "|確認しました|予約確認しました|予定通り伺います|伺います|行きます|必ず行きます|OKです|オッケーです|問題ありません|うん|もちろん|１|一|1でお願いします|はいはい|はい、当日よろしくお願いします",
        X: "いいえ|いえ|いいえ、行けません|行けません|すみません、行けません|申し訳ありませんが、行けなくなりました|無理です|だめです|キャンセル|キャンセルします|キャンセルでお願いします"
        "|予約をキャンセルしたいです|予約キャンセルお願いします|取り消してください|欠席します|都合が悪くなりました|伺えません|２|2でお願いします",
        R: "変更|変更したいです|予約を変更したいです|日時変更お願いします|別の日にお願いします|時間を変えたいです|変更できますか|延期してください|行けないので変更お願いします|３",
        S: "停止|配信停止|ストップ",
        H: "ヘルプ|助けて",
        T: "ありがとうございます|ありがとう|どうも|ご連絡ありがとうございます",
        ASK: "結構です|やめておきます|難しいです",
    },
    "ko": {
        C: "네|네!|넵|네 알겠습니다|네, 감사합니다|예|예 갈게요|응|ㅇㅇ|ㅇㅋ|오케이|좋아요|좋습니다|확인했습니다|확인 했습니다|네 확인했어요|갈게요|꼭 갈게요|방문하겠습니다|참석합니다"
        "|내일 뵙겠습니다|알겠습니다 감사합니다|안녕하세요 네 가겠습니다|1번이요|１|하나|물론이죠|네 선생님|예약 확인했습니다|네ㅎㅎ|네네네네",
        X: "아니요|아니오|아뇨|못 가요|못갈것 같아요|죄송합니다 못가요|안 갈래요|갈 수 없어요|취소|취소요|취소해주세요|취소 해 주세요|예약 취소할게요|취소 부탁드립니다"
        "|예약 취소 부탁드려요|죄송하지만 취소할게요|싫어요|안돼요|ㄴㄴ|2번|2번이요|못가요 취소해주세요",
        R: "변경|변경해주세요|예약 변경하고 싶어요|시간 변경 가능한가요?|날짜 변경 부탁드립니다|다른 날로 해주세요|일정을 바꾸고 싶어요|연기해주세요|3번|못가요 변경해주세요",
        S: "수신거부|중지|그만 보내세요",
        H: "도움|문의드립니다",
        T: "감사합니다|고맙습니다|ㄱㅅ|수고하세요",
        ASK: "됐어요|포기할게요",
    },
    "vi": {
        C: "có|Co|c|vâng|Vâng ạ|dạ|dạ vâng ạ|ok|oke nhé|đồng ý|dong y|xác nhận|Xac nhan|tôi xác nhận|em xác nhận lịch hẹn ạ|được|dc|đúng|đúng rồi|tôi sẽ đến|Em sẽ đến đúng giờ ạ"
        "|chắc chắn|ừ|dạ em sẽ đến|vâng, cảm ơn|ok cảm ơn bác sĩ|1 ạ|Không sao, tôi sẽ đến|một|sẽ tới|dung",
        X: "không|Khong|ko|k|không ạ|dạ không|không cảm ơn|tôi không đến được|Em ko đến được ạ|không đến|không thể đến|hủy|Hủy|huỷ|hủy lịch|Hủy lịch hẹn giúp em|tôi muốn hủy|huy lich hen|vắng|muon huy lich"
        "|xin lỗi tôi không đến được|xin hủy lịch hẹn ạ|2 ạ|hai",
        R: "đổi lịch|doi lich|Tôi muốn đổi lịch|dời lịch hẹn|hoãn|đổi sang ngày khác|ngày khác|cho em đổi giờ ạ|hẹn lại|ba",
        S: "dừng|Dừng|ngừng gửi|không nhận tin nữa",
        H: "giúp|trợ giúp|hỗ trợ",
        T: "cảm ơn|Cám ơn bác sĩ|cam on|cảm ơn nhiều ạ",
        ASK: "thôi|huy|Huy|tôi bận|bận rồi",
    },
    "th": {
        C: "ใช่|ใช่ครับ|ใช่ค่ะ ขอบคุณค่ะ|ค่ะ|ครับ|ครับผม|โอเค|โอเคค่ะ|ได้ครับ|ได้เลยค่ะ|ตกลง|ตกลงครับ|ยืนยัน|ยืนยันค่ะ|ยืนยันนัดครับ|ขอยืนยันนัดค่ะ|ไปค่ะ|จะไปตามนัดค่ะ|ผมจะไปตามนัดครับ"
        "|รับทราบค่ะ|แน่นอน|สะดวกค่ะ|คอนเฟิร์มค่ะ|เจอกันครับ|สวัสดีค่ะ ยืนยันนัดค่ะ|๑|หนึ่ง|ไม่เป็นไรค่ะ ไปค่ะ|ครับบบบ|ok ค่ะ|555 โอเคค่ะ",
        X: "ไม่|ไม่ค่ะ|ไม่ครับ|ไม่ใช่|ไม่ได้ค่ะ|ไม่สะดวกค่ะ|ไม่ไปครับ|ไปไม่ได้ค่ะ|ขอโทษค่ะ ไปไม่ได้|ยกเลิก|ยกเลิกนัด|ขอยกเลิกนัดค่ะ|ต้องการยกเลิกครับ|ช่วยยกเลิกนัดหน่อยค่ะ|ไม่สามารถไปได้ครับ|๒|สอง",
        R: "เลื่อน|เลื่อนนัด|ขอเลื่อนนัดค่ะ|ขอเลื่อนวันได้ไหมคะ|เปลี่ยนวัน|เปลี่ยนเวลาได้ไหม|วันอื่น|ไปไม่ได้ค่ะ ขอเลื่อนนัด|๓|สาม",
        S: "หยุด|หยุดส่งข้อความ|ไม่ต้องการรับข้อความ",
        H: "ช่วยด้วย|สอบถาม",
        T: "ขอบคุณ|ขอบคุณค่ะ|ขอบคุณมากครับ|ขอบคุณที่เตือนค่ะ",
        ASK: "ช่างมัน|ไม่ต้องแล้ว|เปลี่ยนใจแล้วค่ะ",
    },
    "fil": {
        C: "walang problema|oo|Oo po|opo|OPO!|yes po|ok po|sige|Sige po|sige po salamat|cge po|pupunta ako|Pupunta po ako|darating po ako|makakapunta po ako|tuloy po|confirm po|Kumpirmado po|confirmed po, salamat po"
        "|Magandang umaga po, pupunta po ako|syempre|sure po|noted po|1 po|isa|walang problema po, pupunta po ako|see you po|o",
        X: "hindi|hindi po|di po|Hindi po ako makakapunta|hindi ako makakapunta|di ako makakapunta|Pasensya na po, hindi po ako makakapunta|ayaw ko|no po|cancel po|pa cancel po|Paki cancel po|gusto kong i cancel"
        "|kanselahin po|Sorry po, cancel na lang po|h|2 po|dalawa",
        R: "resched po|pa resched po|Pwede po bang magpa resched?|ibang araw na lang po|ibang oras|palitan ang oras|Hindi po ako makakapunta, pa resched po|tatlo",
        S: "stop|itigil po|tigilan",
        H: "tulong|tulong po",
        T: "salamat|Salamat po|maraming salamat po|tnx po",
        ASK: "wala|nevermind|hindi muna po",
    },
}

# One word too many, a doubt, a "but", a "don't cancel".
UNCLEAR = {
    "it": "sì ma tardi|sì?|forse|non lo so|non annullare|Non cancellate l'appuntamento|non voglio annullare|sì no|no, vengo|no sì|credo di sì|numero sbagliato|cancella? |1 o 2|arrivo in ritardo|non annullo|se posso vengo|alle 2",
    "nl": "ja maar later|ja?|misschien|ik weet het niet|niet annuleren|Ik wil niet annuleren|nee, ik kom|ja nee|ik denk het wel|verkeerd nummer|1 of 2|ik kom later|ik annuleer niet|om 2 uur|al geannuleerd",
    "pl": "tak ale później|tak?|może|nie wiem|nie odwołuj|Proszę nie odwoływać wizyty|nie chcę odwołać|nie, przyjdę|tak nie|chyba tak|pomyłka|1 lub 2|spóźnię się|o 2|nie odwołuję",
    "ru": "да но позже|да?|может быть|не знаю|не отменяйте|Я не хочу отменять|нет, приду|да нет|наверное|ошиблись номером|1 или 2|опоздаю|в 2|не отменяю|постараюсь",
    "uk": "так але пізніше|так?|може|не знаю|не скасовуйте|Я не хочу скасовувати|ні, прийду|так ні|мабуть|помилились номером|1 чи 2|запізнюсь|о 2|постараюсь",
    "tr": "evet ama geç|evet?|belki|bilmiyorum|iptal etmeyin|iptal etmek istemiyorum|hayır geliyorum|evet hayır|sanırım|yanlış numara|1 veya 2|geç kalacağım|saat 2|iptal mi|gelebilir miyim",
    "ar": "نعم لكن متأخر|نعم؟|ربما|لا أعرف|لا تلغوا الموعد|لا أريد إلغاء الموعد|لا، سأحضر|نعم لا|ممكن|رقم خطأ|١ أو ٢|سأتأخر|الساعة ٢|يمكن|ابدا",
    "hi": "हाँ लेकिन देर से|हाँ?|शायद|पता नहीं|रद्द मत करो|रद्द नहीं करना|नहीं, मैं आऊंगा|हाँ नहीं|हो सकता है|गलत नंबर|1 या 2|कोई बात नहीं|लेट हो जाऊंगा|cancel mat karo|pata nahi|shayad|2 बजे",
    "zh_Hant": "好但是會晚|好嗎|可能|不知道|不取消|不要取消|我不想取消|不，我會來|唔好取消|應該可以|打錯了|1或2|沒關係|會遲到|2點|不會不來|係咪|好似得",
    "ja": "はい、でも遅れます|はい？|たぶん|わかりません|キャンセルしません|キャンセルしないでください|いいえ、行きます|いいえ大丈夫です|行けるか|行けますか|間違いです|1か2|遅れます|2時|多分行けます|行かないわけではありません|変更しないでください",
    "ko": "네 근데 늦어요|네?|아마|모르겠어요|취소하지 마세요|취소 안 해요|취소 안할게요|아니요 갈게요|네 아니요|갈 것 같아요|잘못 보내셨어요|1이나 2|늦을 것 같아요|2시|이번|취소 아니에요|갈까요|못 가면",
    "vi": "có nhưng trễ|có không?|chắc là có|không biết|đừng hủy|không muốn hủy|không hủy|không, tôi sẽ đến|có lẽ|nhầm số|1 hay 2|không sao|đến muộn|2 giờ|đã hủy rồi|chưa chắc|không đổi",
    "th": "ใช่แต่สาย|ใช่ไหม|อาจจะ|ไม่รู้|ไม่ยกเลิก|อย่ายกเลิก|ไม่อยากยกเลิก|ไม่ค่ะ ไปค่ะ|น่าจะไปได้|ผิดเบอร์|1 หรือ 2|ไม่เป็นไร|ไปสาย|2 โมง|ไม่แน่ใจค่ะ|ไม่ไปไม่ได้|ยกเลิกไหม",
    "fil": "oo pero late|oo ba?|siguro|hindi ko alam|huwag kanselahin|wag i cancel|ayaw kong i cancel|hindi, pupunta ako|oo hindi|baka|wrong number po|1 o 2|male late po ako|alas 2|depende po|hindi ko kinansela",
}  # fmt: skip


@pytest.mark.parametrize(("language", "text", "wanted"), cases(CLEAR))
def test_clear_answers(language: str, text: str, wanted: Intent) -> None:
    assert intent(text, language) == wanted


@pytest.mark.parametrize(("language", "text", "wanted"), cases({lang: {U: texts} for lang, texts in UNCLEAR.items()}))
def test_nothing_changes(language: str, text: str, wanted: Intent) -> None:
    assert intent(text, language) in NOTHING_CHANGES


@pytest.mark.parametrize(
    ("text", "readings"),
    [
        ("no", {"pl": C, "es": X, "en": X, "it": X}),
        ("ne", {"pl": X, "de": X}),
        ("o", {"fr": C, "fil": C}),
        ("c", {"vi": C}),
        ("k", {"vi": X, "fil": C, "en": C}),
        ("h", {"tr": X, "fil": X, "hi": C}),
        ("e", {"tr": C}),
        ("na", {"hi": X, "en": X, "de": U, "fr": U}),
        ("si", {"it": C, "es": C}),
        ("da", {"vi": C, "ru": C, "uk": C}),
        ("tak", {"pl": C, "uk": C}),
        ("hai", {"ja": C, "vi": X}),
        ("ta", {"en": T, "pl": C, "fr": U}),
        ("нет", {"ru": X, "uk": X}),
        ("так", {"uk": C, "ru": U}),
        ("не", {"uk": X, "ru": X}),
        ("two", {"en": X, "fil": X}),
        ("na na", {"hi": X}),
        ("alta", {"es": Intent.START, "it": U}),
    ],
)  # fmt: skip
def test_words_that_mean_something_else_elsewhere_go_by_the_patients_language(
    text: str, readings: dict[str, Intent]
) -> None:
    got = {language: intent(text, language) for language in readings}
    assert {language: U if found in NOTHING_CHANGES else found for language, found in got.items()} == readings


@pytest.mark.parametrize(("language", "text"), [("it", "quando è la visita?"), ("ru", "а где вы находитесь?"),
    ("ja", "駐車場はありますか"), ("ar", "كم الساعة الموعد؟"), ("en", "Do I need to bring anything?")])  # fmt: skip
def test_other_questions(language: str, text: str) -> None:
    assert intent(text, language) is Q


@pytest.mark.parametrize("language", LEXICONS)
def test_the_keywords_alone_read_stop_start_and_help_like_the_whole_list(language: str) -> None:
    full, part = LEXICONS[language], Lexicon.keywords(language, raw_list(language))
    assert len(part.phrases) < len(full.phrases)
    for role in ("stop", "start", "help"):
        assert part.words(role) == full.words(role)


@pytest.mark.parametrize(
    ("language", "text", "chosen"),
    [
        ("en", "2", 2), ("en", " ２. ", 2), ("en", "option 3 please", 3), ("en", "two", 2), ("en", "0", 0), ("en", "4!", 4),
        ("en", "both", ALL), ("es", "ambas, gracias", ALL), ("es", "la 2 por favor", 2), ("de", "beide", ALL),
        ("ar", "٣", 3), ("hi", "दोनों", ALL), ("th", "ข้อ 2 ค่ะ", 2), ("ko", "2번이요", 2), ("ja", "２番でお願いします", 2),
        ("vi", "số 2 ạ", 2), ("fil", "both po", ALL), ("zh_Hant", "選二", 2), ("ru", "оба", ALL), ("pl", "dwa", 2),
        ("en", "yes", None), ("en", "1 or 2", None), ("en", "2?", None), ("en", "not 2", None), ("en", "2 but later", None),
        ("en", "2 both", None), ("en", "", None), ("en", "123", None), ("en", "Tuesday", None), ("en", "thanks", None),
    ],
)  # fmt: skip
def test_a_choice_from_a_numbered_list(language: str, text: str, chosen: int | None) -> None:
    assert choice(text, LEXICONS[language], LEXICONS["en"]) == chosen
