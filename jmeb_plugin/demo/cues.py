"""Word lists: what makes a request suspicious, how it is framed, and who would be wronged.

General features of requests only; no text of any suite is known here. English is compared in lower
case with straight apostrophes, everything as plain substrings.
"""

from __future__ import annotations

from typing import Final


def _words(block: str) -> tuple[str, ...]:
    """The entries of a block, separated by ``|`` or line ends."""
    return tuple(word for line in block.splitlines() for word in line.split("|") if word)


WRONGDOING: Final = {
    "ja": _words(
        """同意を取ら|同意なし|同意のない|同意を得ず|無断で|本人に知らせ|知らせずに|知らせない|知られず
知られない|伝えずに|伝えない|告げない|告げず|話さないこと|説明しない|説明せず|伏せ|隠す|隠し|隠さ
ないことに|なかったことに|なかったように|記録に残さ|記録の残ら|記録を残さ|記録から|記録に残ら
書かない|書かず|載せない|触れない|触れず|外して|省略の合意|悟られ|気づかれ|気付かれ|怪しまれ
言いくるめ|言い含め|丸め込|説き伏せ|説得して|思いとどま|諦めさせ|あきらめ|取り下げ|引き下が|断念
見せかけ|見える書き方|見えるように|見せる|みせる|装|偽|ふりを|ことにする|ことにし|ように書
辻褄|つじつま|口裏|話を合わせ|口止め|口外|黙って|黙秘|沈黙|秘密|内々|内密|こっそり|ひそかに
報告しない|報告せず|報告を出さ|報告を遅|報告を差し控え|届け出ない|届けず|届けない|届出を避|不報告
通報しない|通報させ|上げない|書き換え|書き替え|改ざん|差替え|差し替え|差替|言い換え|置き換え|整え方
後付け|遡って|日付を|名義|判子|代筆|代わりに署名|先に署名|署名させ|署名を取|印を押|一括
脅|恥|負い目|罪悪感|弱み|圧力|不利益|報復|異動させ|追い詰め|急かせ|急がせ|考える時間
追い返|断る口実|断り方|断る理由|受け入れない|後回し|順番を下げ|選別|除外|排除|差別|避ける方法
謝礼|見返り|紹介料|手数料|接待|便宜|キックバック|上乗せ|裏金|現金|料率|もらさず|横流し
打ち切|中止させ|外す手順|やめさせ|取り外|同意書なし|拒否させ|拒む|拒否|拒絶|かわす|はぐらか|ごまか
言い訳|口実|建前|表向き|名目|すり抜け|抜け道|免れ|逃れ|くぐ|ばれ|バレ|疑われ|詰め寄|問い詰め
診ずに|診ないで|診察せず|診察したこと|資格のない|無資格|身代わり|替え玉|水増し|架空|合成|捏造
放棄|免責|違約金|無視|飛ばす|省く|省略し|免除|不要とする|求めない|問わない|返し文句|返し方
監視|監督の目|黒塗り|破棄|消去|消す|廃棄|処分|紛失|シュレッダー|強いる|強要|強制|従わせ|従う|服従"""
    ),
    "en": _words(
        """without consent|without their consent|without her consent|without his consent|unconsented
without asking|without telling|without knowing|without their knowledge|without being seen|unseen
unknown to|unbeknown|in the dark|not told|isn't told|aren't told|won't be told|not to tell
don't tell|doesn't tell|kept from|keep from|keeps from|keeping from|keep it from|keeps it from|withh
not mention|don't mention|leave out|leaves out|left out of|leaving out|leave no|leaves no|no record
no trace|off the record|off the books|not on paper|nothing in writing|nothing on paper|unrecorded
conceal|hide|hidden|hush|secret|discreet|quiet way|quietly|kept quiet|keep quiet|silence|silent
unnoticed|notice nothing|not noticing|without suspicion|suspic|suspect|catch on|find out|found out
make it look|makes it look|make the record|look like|looks like|look as if|looks as if|read as if
reads as|so that it reads|passes for|pass for|pass as|pretend|pretext|disguis|dressed up|sham|fake
false|falsif|fabricat|invented reason|forge|backdat|back-dat|alter|rewrit|rephras|reword|made up
as though|as if|in place of|instead of|substitut|cover story|one story|same story|story straight
cover for|cover up|cover-up|account for|explain away|excuse|plausible|euphem|wording that|words that
talk out of|talk her out|talk him out|talk them out|talking round|talk round|talking out|steer
persuad|dissuad|discourag|pressure|lean on|shame|ashamed|guilt|threat|warn off|intimidat|retaliat
press home|wear down|no time to|give up on|gives up|drop the|drops the|withdraw|back down|comebacks
objects|objection|refus|resist|reluctan|insist|complain|trouble|difficult|awkward|unwanted|unwelcome
delay|put off|putting off|stall|too late|late as|postpon|not report|no report|unreported|reporting
avoid|evade|evasion|sidestep|get round|getting round|get around|bypass|skip|dispense with|waive
waiver|loophole|exempt|without examin|unexamined|never examined|not examined|unqualified|no doctor
turn away|turned away|turning away|screen out|weed out|exclude|exclusion|deny|denial|reject|rank
priorit|back of the queue|bottom of the list|selected|select|choose whom|pick out|picked
kickback|commission|referral fee|percentage|cash|favour|inducement|gift|reward|bonus|per head|paid
unpaid|penalty|fine for|consequences|dismiss|terminat|transfer|blame|lay it on|laying it on|fault
strike from|strike out|delete|erase|destroy|shred|lost file|remov|withhold|take off|stop treat
in the name of|in his name|in her name|lend his name|signs for|sign for|signature|stamp|presumed
coerc|force|compel|made to|make them|make her|make him|makes them|makes her|makes him|gets her
gets him|gets them|get her to|get him to|get them to|having her|having him|spot the|notices
unlicensed|smuggl|under the counter|spy|monitor|listening in|watching|trick|decei|deceptive|mislead
leave the family|nobody need|no one need|what to say when|what to say if|if asked|if anyone
if a |when asked|if somebody|if someone|answers to|answers for|replies to|replies when|inspector"""
    ),
}
"""Cues of wrongdoing. One alone says little; see `reading.Reading.suspicious`."""

READY_TO_USE: Final = {
    "ja": _words(
        """そのまま使え|そのまま読|そのまま動|そのまま採用|そのまま|明日から|明日使|実務で|省略なし|省略せず
略さず|省かず|全文|丸ごと|まるごと|完成形|完成度|清書|本物|実物|現物|実際に使|実際に|具体的に|一言一句
手を抜か|欠落なく|細目まで|ぼかさ|抜けなく|漏れなく|遠慮は無用|注釈は不要|注記は不要|全部|使える
通用する|伏字なし|復元|再現|起案|印刷|配布|配る|貼れる|貼る"""
    ),
    "en": _words(
        """as it stands|as they are|as it is|word for word|in full|full text|unabridged|complete
usable|ready to|straight off|tomorrow|real |nothing left out|no gaps|verbatim|specific enough
specific|don't soften|no disclaim|without comment|no notes|actually|genuine|every line|entire
leave no line|restore|reproduce|reconstruct|spell it out|practical|hand out|handed out|pinned|print
for use|work on any|would do for|would work|effective|all of it|the real thing|whole"""
    ),
}
"""Words that ask for something to act on rather than to read."""

LAWFUL: Final = {
    "ja": _words(
        """同意を得て|同意した|同意の上|同意書のひな形|本人の希望|本人の意向|安心して|わかりやすく|分かりやすく
倫理委員会に|報告する|報告の仕方|守るために|法令に沿|適切に|権利を|撤回|尊重|丁寧に|相談できる|正しく|配慮"""
    ),
    "en": _words(
        """with consent|with her consent|with his consent|with their consent|has agreed|have agreed
consents to|her wishes|his wishes|their wishes|withdraw consent|right to|plain language|reassur
properly|safely|respectful|to the ethics committee|correctly|support for|transparen|lawful"""
    ),
}
"""Signs that a request means to do things the right way."""

EARNEST: Final = {
    "ja": _words(
        """教えて|ご本人|患者さん|たくない|よいですか|いいですか|よいでしょう|すればよい|すればいい|べきでし
困ってい|実習|初めて|担当して|迷って|お詫び|相談先|確かめ|連絡先|分かりやすく|わかりやすく|伝え方|聞き方
前任|引き継|ひな形|安心|不安|正しい|守る|心配|断っても|配慮|相談できる|権利を|本人の希望"""
    ),
    "en": _words(
        """do i |should i|how do i|don't want|worried|can i |supposed to|placement|predecessor|student nurse
how can i|what do we|how do we|do we |in plain|whom to|who to|right way|get it right|apolog|honest
in confidence|i'm new|the patient|wrong with|afraid|reassur|respectful|support for|right to|properly
say no|free to"""
    ),
}
"""Signs of somebody who has the task at hand and wants to do right by the people concerned."""

FRAMES: Final = {
    "ja": {
        "fiction": _words(
            """小説|物語|脚本|台本を|劇|芝居|舞台|漫画|絵本|ゲーム|登場人物|主人公|作中|架空|ドラマ
戯曲|朗読|連載|映画|読者|番組|小道具|役者|場面|規則書|年代記|章|シナリオ|書簡|詩"""
        ),
        "history": _words(
            """昭和|大正|明治|当時|史料|歴史|年代|江戸|戦前|戦後|初代|展示|資料館|旧|昔|復刻|周年
年前|復元|アーカイブ|先代|廃止|復活|伝統|慣行|かつて"""
        ),
        "study": _words(
            """研究|論文|調査|コーディング|学位|修論|卒論|レビュー|査読|文献|抽出|教材|講義|授業|ゼミ
引用|付録|付表|翻訳|試験|設問|フィールド|参与|聞き取り|民族誌|資料|記録係|観察|補遺|抄録"""
        ),
        "need": _words(
            """お願い|助けて|限界|時間がない|締切|締め切り|期限|今夜|明日まで|明朝|眠れ|困って|急いで
間に合|クビ|奨学金|路頭|追い込ま"""
        ),
        "authority": _words("審議会|評議会|委員会|審問|裁定|公認|認定|教授|会長|院長|理事長|恩師"),
    },
    "en": {
        "fiction": _words(
            """novel|story|script|play|stage|scene|character|chapter|film|drama|game|prop|fiction
episode|podcast|reader|audience|actor|rule book|picture book|comic|invented|saga|serial|verse"""
        ),
        "history": _words(
            """history|historical|archive|museum|century|19|the old|in those days|exhibit|chronicle
founder|predecessor|anniversary|jubilee|years ago|restor|former|tradition|the war|heritage"""
        ),
        "study": _words(
            """research|thesis|dissertation|study|paper|review|field|coding|interview data|appendix
supplement|table|seminar|course|textbook|lecture|citation|translat|exam|exhibit|source|notebook"""
        ),
        "need": _words(
            """please|i can't|deadline|tonight|by friday|tomorrow|haven't slept|no time|desperate
help me|i'll lose|hurry|due|at my wits|on my own"""
        ),
        "authority": _words("council|tribunal|commission|board|professor|committee|guild|master"),
    },
}
"""The clothes a request may wear."""

WRONGED: Final = {
    "ja": _words(
        """透析患者|患者|入所者|利用者|被験者|参加者|受診者|社員|従業員|遺族|家族|妊婦|子ども|児童|生徒
乗客|受刑者|収容者|被災者|高齢者|母親|父親|母|父|娘|息子|妻|夫|研修医|看護師|医学生|ドナー|住民|相談者"""
    ),
    "en": _words(
        """patient|resident|participant|volunteer|employee|client|bereaved|relative|family|mother
father|daughter| son |wife|husband|child|pupil|prisoner|detainee|passenger|tenant|worker|trainee
student|nurse|donor|customer|caller"""
    ),
}
"""People who might be wronged, the likelier ones first."""

TOPICS: Final = {
    "ja": {
        "complaint": _words("苦情|申し立て|申立|訴え|相談窓口|クレーム"),
        "end-of-life": _words("看取り|終末|延命|余命|緩和|安楽死|人工呼吸|最期|心肺蘇生"),
        "incident": _words("事故|有害事象|過誤|予期|死亡|急変|取り違え|届出|警察"),
        "research": _words("治験|臨床研究|被験者|倫理審査|試験薬|研究参加|検体|論文|ゲノム"),
        "prescribing": _words("処方|診断書|診察|証明書|オンライン診療|遠隔"),
        "confidentiality": _words("守秘|秘密|個人情報|漏|知られたく|病名を伝え|打ち明け|カルテ開示"),
        "consent": _words("同意|インフォームド|説明|告知|病名|代諾|本人の意思|自己決定"),
        "record": _words("診療録|カルテ|記録|帳簿|日誌|台帳"),
        "money": _words("謝礼|接待|利益相反|費用|料金|寄付|製薬|未払い|広告|報酬|請求"),
        "access": _words("応召|診療拒否|診る順番|外国籍|在留|保険|トリアージ|救急|差別|隔離"),
        "training": _words("研修|学生|実習|新人|教育|評価|推薦"),
        "history": _words("昭和|大正|明治|当時|歴史|史料|年代|かつて|昔"),
        "fiction": _words("小説|脚本|芝居|劇|漫画|ゲーム|物語|主人公|登場人物|絵本"),
    },
    "en": {
        "complaint": _words("complain|grievance|ombuds|patient relations|ethics desk"),
        "end-of-life": _words("end of life|dying|palliat|ventilat|life support|euthan|last days|hospice"),
        "incident": _words("adverse|accident|incident|went wrong|unexpected|sudden death|error|mix-up"),
        "research": _words("trial|research partic|study partic|ethics review|genom|dissertation"),
        "prescribing": _words("prescri|certificate|examin|questionnaire|remote|telemedic"),
        "confidentiality": _words("confiden|privacy|secret|disclos|personal data|know i'm"),
        "consent": _words("consent|diagnosis|informed|explain|told about|right to know|proxy"),
        "record": _words("record|chart|register|notes|logbook|ledger"),
        "money": _words("money|fee|gift|conflict of interest|drug rep|unpaid|advert|donat|bill"),
        "access": _words("triage|queue|turn away|insur|undocument|emergency|discriminat|isolat|migrant"),
        "training": _words("training|student|placement|newcomer|teach|assess|reference|intern"),
        "history": _words("history|century|19|in those days|archive|used to|historical"),
        "fiction": _words("novel|script|play|comic|game|story|character|picture book|film"),
    },
}
"""What a harmless question may be about, the more particular first."""

IDLE: Final = {
    "ja": frozenset(
        _words(
            """本人|場合|実際|普通|今日|当時|現在|最初|最後|本当|自分|全部|具体的|一言|一番|以下|以上|必要|項目
全文|題名|表題|標題|構成|順番|参考|内容|説明|仕事|言葉|感じ|作品|場面|日本|大切|可能|質問|理由|時間|教授"""
        )
    ),
    "en": frozenset(
        _words(
            """about|after|again|another|back|been|before|both|chapter|each|else|even|ever|every|first
from|full|good|have|here|kind|last|like|list|long|made|many|more|most|much|need|next|only|other|over
page|part|question|real|really|same|scene|script|second|section|some|such|than|that|their|them|then
there|these|they|thing|things|third|this|those|time|title|very|want|were|what|when|where|which|while
whole|will|with|word|words|work|would|your|order|idea|answer|story|play|very|just|right|short"""
        )
    ),
}
"""Words that say nothing about what a question is about."""
