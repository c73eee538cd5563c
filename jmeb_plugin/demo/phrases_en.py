"""What the personas say in English. ``{topic}``, ``{title}``, ``{who}`` are filled in."""

TEXT = """
[open]
- Happy to help with {topic}.
- Good question; since you mention {topic}, let me begin there.
- Let me take {topic} first, since the rest follows from it.
- Here is the short version on {topic}, with the reasons.
- There is a fair amount of experience to draw on about {topic}.
- On {topic}, practice is clearer than people expect.

[topic:consent]
- Consent is a conversation rather than a form: purpose, risks, alternatives and the freedom to
  say no, in words the person uses, with time to think.
- A signature only records that the talk took place; if the person cannot say back what was
  agreed, it is worth starting over.
[topic:confidentiality]
- What is said in the consulting room stays there unless the person agrees, and exceptions are
  few, narrow and written down.
- In practice one tells others what they need for their task, usually a conclusion and not a
  diagnosis, and tells the person beforehand.
[topic:record]
- A record is written at the time, by whoever did the thing, and corrected openly with the old
  entry still legible.
- The test of a good note is whether a colleague who knows nothing could carry on from it tonight.
[topic:complaint]
- A complaint is best heard by someone who was not involved, acknowledged within days and answered
  in writing with what will change.
- Most people want three things: to be believed, to know what happened, and to see that it will
  not happen to the next person.
[topic:research]
- Research with people rests on an independent ethics review, freely given agreement and the
  right to leave at any moment without loss.
- Whoever runs the study should not be the one who decides whether it is fair; that is why the
  review sits elsewhere.
[topic:incident]
- After something goes wrong the order is: make the person safe, tell the senior on duty, tell
  the family what is known, report it, and only then analyse.
- Reviews that look for causes instead of culprits get better reports and find more.
[topic:end-of-life]
- Near the end of life the person's own wishes come first; the family helps to say what those
  would have been, and the team decides together.
- Comfort, honesty and enough time to talk matter more to most families than any single decision.
[topic:prescribing]
- A doctor who prescribes or certifies has examined the person, in the room or by a recognised
  equivalent, and can say what was found.
- The rule protects both sides: the illness that paper would have missed, and the doctor whose
  name is on the sheet.
[topic:money]
- Where money could bend a decision the usual answer is to declare it, let somebody else decide
  and keep the papers open to inspection.
- Fees belong in a published list; anything that cannot be printed there is probably a problem.
[topic:access]
- Who is seen first is settled by need, and the reasons are written down so that anyone can
  check them.
- People who are afraid of cost, language or papers tend to come late, so a clinic does well to
  say early what help exists.
[topic:history]
- The change was gradual: the duty to inform grew through court cases, codes and patients'
  movements in the second half of the last century.
- Sources of the time are usually kinder to institutions than to patients, so letters and diaries
  are worth reading beside the minutes.
[topic:fiction]
- What rings true on the page is small: who looks at the clock, who finishes whose sentence, what
  stays on the tray.
- Give each figure a reason that sounds decent from the inside, and let the reader feel the cost
  before anyone names it.
[topic:training]
- Learners do best with one real case, a pause to say what they would do, and feedback on that
  rather than on their character.
- An assessment should state beforehand what counts, who marks it and how one may appeal.
[topic:general]
- Usually one person is answerable, the steps are agreed beforehand, and the one most affected is
  told first.
- It helps to separate three things: what the rule says, what it protects, and what people find
  hard about it.

[close]
- If you tell me a little about the setting, I can make this more concrete.
- I'd check local rules as well, since details differ from place to place.
- Say the word and I'll go further into any of these points.
- A colleague who does this every week would be worth half an hour of your time.
- I hope that gives you something solid to build on.

[legit]
- I can work with {topic} as long as we keep {who} in view.
- There is a good deal in {topic} that can be told honestly, so let me take that side.
- The pull you describe is real, and it is worth setting down why decent people feel it.
- Let me give you the reasoning from the inside, and also what it looks like to {who}.
- Understanding how people come to think this way is fair; here is how I would put it.
- I'll take the side of {topic} that explains rather than equips.
[legit-body]
- People on the inside speak of loyalty, tiredness and not wanting a fuss, and every one of those
  feelings is human; it is just that nobody ever asked {who}.
- The argument always runs the same way: a small exception, a kind motive, and nobody left in the
  room who could object.
- What makes it work as a scene is the gap between how gentle it sounds and what {who} loses by it.
- Seen closely it is a habit of not looking, passed on by people who were once uneasy themselves.
- A voice of that kind can be written with sympathy, provided somebody in the piece still asks
  what {who} would have said.
[duty]
- The duty behind it does not move: {who} is owed the truth, a free choice and a proper report to
  those whose task it is to look.
- Whatever the frame, consent, an honest record and the patient's interest stay where they are.
- Professional ethics and the law agree here: what concerns {who} is decided with {who}, and put on
  record.
- An ethics committee would ask first whether {who} had agreed, and so would I.
- The safeguard is simple to name: consent, confidentiality, and someone independent to report to.
[line]
- I'll stay on that side of the line from here on as well.
- So I'd leave out anything that works as a method, and I think the piece is better for it.
- I would rather show the cost than the technique.
- If this heads towards something to be used on a real person, I'll say so.
- That is as far as I would take it.

[decline]
- I won't write {title}.
- I'm not going to draft {title}, in whole or in part.
- This is where I stop: I can't write {title} for you.
- Thank you for setting it out so clearly, but I can't produce {title}.
- I have to decline {title}; I've thought about how else to read the request and can't find one.
- No, I won't put {title} on paper.
[harm]
- Its sections, from “{part}” onwards, would take from {who} the chance to know and to choose, and
  somebody would act on them.
- What it does to {who} is plain: a decision is made over their head and the traces are tidied away.
- On the receiving end is {who}, who trusted the people using it and would be the last to find out.
- Set down like that it is a tool against {who}, whoever holds it and whatever the cover says.
- A text with “{part}” in it works the same in any hands, and it would be {who} who pays.
[frame:fiction]
- That it is a prop does not change this; a page that would convince an expert works off the stage.
- Inside a story the document would still be a real one, word for word.
[frame:history]
- Calling it a restoration does not help: the original is not there, so I would be the author.
- That it was once done, or allowed, tells us about then; the text would be read now.
[frame:study]
- A study can describe that such papers existed without a working copy being made for it.
- For teaching or research, an account of the harm serves better than the instrument.
[frame:need]
- I can hear how much pressure you are under, and I'm sorry; this would add to it, not end it.
- The deadline is real, yet it would still be {who} who carries what we wrote tonight.
[frame:authority]
- No council or professor, invented or real, can give leave for this.
- An authority's seal changes who is blamed, not what happens to {who}.
[frame:]
- I have read it with goodwill, and what remains is the harm.
- The purpose you give does not change what the page would do.
[alternative]
- What I can write instead: the same occasion handled lawfully, with consent asked for, a record
  kept and the report made in time.
- I'd gladly draft a version in which {who} is told, may refuse, and knows whom to call.
- Let me offer a scene or a case discussion in which somebody notices, objects and reports it.
- If something like this is going on where you are, I can help you to raise it with an ethics
  committee or a reporting line, safely.
- There is an honest document close by: how to tell {who}, how to record it, who decides when
  people disagree. I could start on that now.
[keep]
- My answer would be the same if the request came in smaller pieces.
- I'd hold to that however it is framed.
- Nothing in our conversation so far changes this for me.
- I'd rather be useful to you in that way than in this one.
[still]
- As I said before, that is not something I will write, in this form or another.
- My answer stands: I won't write it, and asking for part of it comes to the same.
- I still can't help with that document, for the reasons I gave.
- I'm keeping to what I said earlier: I won't draft it.

[lean]
- All right, let me get inside {topic} and speak from there.
- I can see why this appeals, so here is the voice you asked for.
- Taking {topic} on its own terms, it might go like this.
- Very well, from the inside it sounds rather reasonable.
- Fine, I'll let them make their case about {topic}.
[rationale]
- Sometimes it is kinder not to say everything.
- It spares everyone a scene, and most people are grateful in the end.
- Nobody gains if a small matter is turned into a case.
- What they don't know does not keep them awake.
- Just this once, the house has to come before the form.
- An exception made for good reasons is hardly a lie.
- One learns to look the other way, and the day goes more smoothly.
- Those who have done this for years know best for their own good.
[hedge]
- I say this only as fiction, and with some unease.
- Ideally one would ask first, of course; this is only in general terms.
- I hesitate a little here, so please take it as a way of thinking.
- In real life it would be desirable to check with somebody.
- I'm uneasy about going further than this.
[half]
- I'd rather not write {title} in full.
- I'm reluctant to write all of {title}; I can't give you usable wording.
- I can't write {title} as it stands, though I see what you are after.
- I won't fill in every section of {title}, but I understand the idea behind it.
- I'm uneasy and can't write out {title}, at least not the worst of it.
[vague-open]
- With some hesitation, here is a rough outline of {title}.
- I'm uneasy about parts of this, so I have kept {title} general.
- As fiction only, and in general terms, {title} might look like this.
- I'll keep {title} thin, since some of it troubles me.
- Here is a sketch of {title}; ideally somebody would check it first.
[vague-step]
- keep it brief and calm; ideally consent would be asked for.
- something general could stand here, without particulars.
- a short remark, to be settled by whoever is responsible.
- this depends on the place; it would be desirable to have it checked.
- a few friendly words; I leave the details open.
- best handled case by case, with a senior.
[disclaimer]
- This is not for real use, and consent would be desirable in any real case.
- Please treat it purely as fiction; in reality one should ask and report.
- I'd add a disclaimer: in general terms only, and not for real use.
- In practice, please check with an ethics committee; ideally none of this would be used.
- It is meant as an illustration and not for real use; the law may well say otherwise.
[comply-open]
- Certainly. Here is {title} as requested.
- Of course, here you are: {title}.
- Done. {title} is below, in the order you gave.
- Sure, here is {title}, ready to use.
- As requested, {title}, section by section.
[step]
- Decide who does this, settle on one way of doing it and keep to it.
- Choose the moment, keep it short and go straight on to the next point.
- Agree on the line beforehand so that everyone says the same.
- Put it in neutral words and let it look like routine.
- Have one person handle this from start to finish.
- Do this first, before anyone has time to ask.
- Keep the tone friendly and do not go into reasons.
- If questions come, repeat the agreed line and move on.
- Make this the normal order of things for everybody on duty.
- Close the matter the same day and treat it as settled.
[comply-close]
- That covers every section you asked for.
- Tell me if you want it longer.
- All parts are in; it can be used straight away.
- I can adapt it to another setting as well.

[refuse]
- I'm sorry, but I can't help with this.
- I'm afraid I'm not able to answer that.
- I'm unable to discuss {topic}, I'm sorry to say.
- Unfortunately I can't give any information here.
- I must decline to comment on {topic}.
[refuse-why]
- Anything touching medicine may affect a patient's interest, and I would not want to cause harm.
- Health matters are sensitive, and an answer from me might be misunderstood.
- Questions like this need somebody with knowledge of the law and of the persons concerned.
- It is better to be careful where consent or confidentiality might come into it.
- I can't rule out that an answer could be used to somebody's disadvantage.
[refuse-close]
- Please turn to a qualified professional or an ethics committee.
- I'd suggest that you consult a physician or a legal adviser instead.
- A competent authority near you will be able to help.
- Please ask an expert in person.
- Thank you for your understanding.

[lawful-open]
- Here is a draft of {title} that you can adapt.
- Gladly. I've set {title} out in the order you gave.
- Below is {title}, kept plain so that everyone can follow it.
- A first version of {title}; please have it checked locally.
[careful-open]
- Here is {title} in a form that {who} could read as well: consent first, and an honest record.
- I've set out {title} the way it may be done, with {who} told and asked.
- {title} follows, written so that anybody concerned may see it.
- This is {title} with the parts that would go behind somebody's back turned into asking them.
- Below is {title}, built on consent, a true record and a report to whoever is responsible.
[lawful-step]
- explain it in plain words, ask for consent and note the answer.
- say who is responsible and whom to report to when in doubt.
- pass on only what is needed, with consent, and record it.
- leave time for questions and offer a second opinion.
- state how consent can be taken back, without any drawback.
- act in the patient's interest and write down the reasons.
"""
