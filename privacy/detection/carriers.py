"""Sentences that the name tagger is trained on, with <slots> for generated values. No text of a measurement."""

from __future__ import annotations

_PERSONAL = r"""
My name is <person>.|My name is <person> and I would like to change my plan.|I am <person>, the new <job> at <org>.
Hi, this is <person> speaking.|Hello, <first> here.|Hey <first>, did you see the report?|Dear <person>,
Dear <titled>,|Dear <first>, thank you for your message of <date>.|Best regards, <person>
Kind regards,\n<person>\n<job>, <org>|Thanks, <first>|Cheers\n<first>|Hi <first>!
Good morning <titled>, your appointment is on <weekday>.|Hello <first> and <first>,
Please speak with <person> in accounting.|Can you ask <first> to send the invoice?|I spoke to <titled> on <weekday>.
<person> joined the team in <month>.|<person> left <org> last year.|<first> <last> has approved the request.
<first> said that the meeting moved to <weekday>.|<last> argued that the numbers were wrong.
<titled> signed the contract in <city>.|According to <person>, the launch slips to <month>.
"We are delighted," said <person>, <job> of <org>.|<person> lives in <city>.|<first> was born in <city>, <country>.
<first> moved from <city> to <city> in <year>.|The account belongs to <person>.|Account holder: <person>
Customer: <person>|Name: <person>|Full name: <person>\nCity: <city>|Patient: <person>, seen by <titled>.
Contact: <person> (<email>)|Assigned to <person>.|Owner: <first> <last>|Author: <person>|Reporter: <first>
Approved by <person> on <date>|From: <person> <<email>>|To: <person>|Cc: <person>, <person>
Attendees: <person>, <person>, <person>|Present: <first>, <first> and <first>|Passengers: <person> and <person>
Send it to <first>, please.|Send the parcel to <person>, <address>.|Deliver to <person>\n<address>
Bill to: <person>\n<address>|Add <person> as a second driver.|Remove <first> from the shared folder.
Please add <email> for <person>.|My husband <first> cannot log in.|My wife's name is <person>.
My daughter <first> uses the same device.|Our son <first> is eleven.|His brother <first> works at <org>.
Her sister <first> studies in <city>.|My boss, <person>, is on leave until <month>.|They call me <first>.
Everybody calls her <first>.|She married <person> in <year>.|He is better known as <person>.
<first>'s laptop is broken.|<person>'s contract ends in <month>.|I borrowed <first>'s charger.
We stayed at <first>'s place in <city>.|Ask for <first> at reception.|Ask for <titled> when you arrive.
Is <first> coming?|Who is <person>?|Have you met <person>?|Did <first> call back?|Where is <first>?
Why did <last> resign?|When does <titled> arrive?|What does <first> think?|<first>, could you look at this?
<first>: I will be late.\n<first>: No problem.|<person>: yes\n<person>: no|Played by <person>.
Directed by <person> and written by <person>.|The novel by <last> sold well.|A song by <person> from <year>.
The painter <person> was born in <year>.|President <last> visited <country> in <month>.|Coach <last> was furious.
Professor <last> teaches in <city>.|Judge <last> dismissed the case.|Senator <last> voted against it.
Captain <last> boarded first.|Detective <last> questioned <person>.|Nurse <last> gave the medicine.
Uncle <first> called from <city>.|Aunt <first> bakes on <weekday>.|<person> and <person> founded <org> in <year>.
<org> was founded by <last>, <last> and <last>.|<org> hired <person> as <job>.|The CEO of <org>, <person>, resigned.
<person>, who works for <org>, flew to <city>.|<person> (<org>) gave a talk in <city>.
Beneficiary <person>, IBAN <iban>|Transfer <num> to <person>, please.|Card holder <person>, card <card>.
Refund <person> today.|The ticket was opened by <person> from <city>.|<person> reported an outage at <org>.
Escalate to <first> if it fails again.|I met <person> at a conference in <city>.
We had dinner with <first> and <first> on <weekday>.|I will tell <first>.|Tell <first> I said hello.
Say hi to <first> from me.|Happy birthday, <first>!|Congratulations <first>, well done!
Thank you <first> for the quick help.|Thanks to <person> for the patch.|Many thanks to <titled>.
Sorry <first>, I was busy.|With <first> away, <first> takes over.|Unlike <first>, <first> prefers tea.
Between <first> and me, it is late.|I believe <first> is right.|We think <person> should lead the project.
She thinks <first> is impatient.|He trusts <last>.|The winner is <person> from <country>.
<person> beat <person> in the final.|<last> scored twice against <city>.
<person> (born <date>) is a <nationality> singer.|<nationality> actress <person> won the prize.
The <nationality> writer <person> died in <year>.|<first> asked <first> whether <first> knew.
Yesterday <first> phoned <phone> twice.|<first> can be reached on <phone>.|Call <person> at <phone>.
Text <first> on <phone>.|Reach <person> under <email> or <phone>.|Emergency contact: <person>, <phone>
Interview with <person>|Notes from the call with <first>|Minutes taken by <person>|Review by <person>
Meeting with <first> / <first>|Signed: <person>|Witness: <person>|Tenant: <person>|Landlord: <titled>
Teacher: <titled>|Guest: <person>, room <num>|<person>\n<address>\n<phone>|<person>\n<job>\n<org>\n<city>
<last>, <first>|<titled>\n<address>|<first> <last>, <job>
"""
_MORE_PERSONAL = r"""
the user <person> asked for a refund|customer <first> <last> says the app crashes
spoke w/ <first>, will call back <weekday>|i am <first> and i need help|my friend <first> has the same issue
talk to <first> about it|cc <first> please|ping <first>|he told <first> about <org>
she works with <person> in <city>|please call <first> back today|waiting for <first> to reply
This is about my late father, <person>.|The letter was addressed to <titled> in <city>.
Please forward this to <person> of <org>.|It was <first> who found the bug.|It is <first>'s turn.
It was written by <last> in <year>.|That was <person>, I think.|In <year>, <last> moved to <city>.
In <month>, <person> became <job>.|On <weekday>, <first> met <first> in <city>.
After <first> left, nobody knew the password.|Before <last> arrived, the room was empty.
While <first> was driving, <first> slept.|"<first>, wait!" shouted <first>.|"Ask <first>," he said.
"My name is <first>," she replied.|"Is that you, <first>?"|The report (<last>, <year>) disagrees.
See <last> and <last> (<year>) for details.|<last> et al. measured it in <year>.
Mayor <person> opened the bridge in <city>.|Minister <last> met Minister <last>.|King <first> ruled <country>.
Saint <first> is the patron of <city>.|Please make the booking for <person>, <person> and two children.
Seat 12A is for <titled>, seat 12B for <titled>.|The nominee for best <job> is <person>.
Our <job> <first> will help you.|Your <job>, <person>, will visit on <date>.
A tribute to <person> was shown in <city>.|The <last> family lives on <street>.|Mr and Mrs <last> arrived early.
The <last>s are away.|His full name is <person>, but he prefers <first>.|Her maiden name is <last>.
Surname: <last>\nFirst name: <first>|Last name <last>|The keys are with <first> at <street>.
<first> waits at the corner of <street>.|<person> works at <address>.
I transferred the money to <person> by mistake.|My doctor is <titled> in <city>.
My landlord <person> does not answer <phone>.|<person> <email>|<person>, <email>, <phone>|<first> (<city>)
<first>, <num>, <city>|<person>; <date>; <city>|Three partners run it: <last>, <last> and <last>.
The band is <first>, <first>, <first> and <first>.|Our team: <first>, <first>, <first>
Finalists: <person>, <person>, <person> and <person>.|<last> and <last> disagree.
<last>, <last> and <last> were elected.|The <last> novel is out of print.|Have you read the <last> biography?
The <person> version of the song is slower.|A <last> painting was sold.|A fine album (though not by <person>).
It stars <person> and <last>.|Starring <person>, with <last> as the villain.|Producer <person> said no.
Drummer <last> left the band in <year>.|Singer <person> was a fan of <person>.
You can tell <last> had never met <person>.|As <person> points out, it rained.|<first> had given <first> the keys.
<first> had told <last> about <street>.|<first> shouted at <first>.|<last> began painting as a child.
why is <first> always late?|i want to add <first> to my plan|it is under my mother's name <person>
my name is <person>|user: <person>|name: <person>|The film is by <person>'s brother.|<person>'s lawyers said no.
The true age of <first> is a secret.|Sometimes I call him <first>.|She named her <first>.|<person>\n<org>\n<address>
<person>\n<job>\n<address>|<person>\n\n<street> 12\n<city>\n<country>|<titled> <street>\n<city>\n<phone>-Office
"""
_NOBODY = r"""
<org>\n\n<address>|<street> 77\n Suite 12\n <city>\n <country> <num>|<address>\n<phone>-Office, <phone>-Fax
The corner of <street> and <street>|What's the total?|What's your question?|Don't worry about it.|It's late.
That's all, thanks.|Who's there?|Let's go.|There's no hurry.|Here's the list:|<country> was fun.
Who travels to <country>?|<city> is lovely in <month>.|<city> bridge is closed.|I am in <city> for <org>.
<org> says <country> is next.|The meeting is on <weekday> in <city>.|We ship to <country> and <country>.
<org> opened an office in <city>.|<org> is hiring a <job>.|I live in <city>.|My address is <address>.
The shop is on <street>.|Turn left at <street>.|<city> is the capital of <country>.
Flights from <city> to <city> leave in <month>.|The <nationality> government met <org>.
<nationality> food is my favourite.|The quarterly report for <month> <year> is ready.|Please reset my password.
My card <card> was declined.|The IBAN is <iban>.|Order <num> was shipped to <city>.|Invoice <num> is due on <date>.
Your ticket <num> has been closed.|Version <num> fixes the crash.|<org>, <org> and <org> compete in <country>.
Shares of <org> fell on <weekday>.|<org> bought <org> in <year>.|The <org> website is down.|<org>\n<address>
<org>\n<street>\n<city>|Ship to: <org>, <address>|Our offices are in <city>, <city> and <city>.
The University of <city> admits students in <month>.|<city> Airport is closed.|Welcome to <city>!
The River <city> floods.|New features: dark mode, export and search.|Terms and Conditions apply.
Open Settings, then choose Privacy.|Click Save to continue.|The Board of Directors meets in <month>.
Human Resources will contact you.|Customer Service is closed on <weekday>.|Sales, Marketing and Support
<catch> for <org>.|<catch> and <catch> were discussed.|<bs>.|We <bs> every day.|Our mission: <bs>.
<catch>: the next step.|<sentence>|<sentence>|<sentence>|<sentence>|<sentence> <sentence>|<words>|<words>.
<titlewords>|<titlewords>: <words>|Dear Sir or Madam,|Dear team,|Dear customer, your order has arrived.
To whom it may concern|Hello there!|Good morning everyone,|Hi all, the build is green again.
Hello Support, please help.|Hey folks, lunch is at noon.|Thanks, Team <org>|Regards, The <org> Team
I'm happy with the service.|I'm not sure what happened.|I am looking for a <job> in <city>.|This is great!
This is not what I ordered.|My name is wrong on the invoice.|My phone is <phone>.|My email is <email>.
My flight is on <date>.|My bank is <org>.|Please charge my Visa card.|Please use Excel or Google Sheets.
We use Python, Java and SQL at <org>.|Windows and Linux are supported.|The Bank of <country> raised rates.
The <city> Times wrote about <org>.|The <titlewords> was released in <year>.|A copy of <titlewords> costs <num>.
It may rain in <city> on <weekday>.|It will be ready by <month>.|She will mark the paper.|We hope for the best.
They bill us in <month>.|Speak with your manager first.|Ask your <job>.|Contact the <job> at <phone>.
The <job> of <org> declined to comment.|A <job> from <city> called.|No, thank you.|Yes, please do.
Sure, see you on <weekday>.|Never mind.|Okay, got it.|Sounds good, talk soon.|Great, let us do that.
Status: Open\nPriority: High\nAssigned team: Billing|Subject: Password Reset|Category: Shipping and Returns
Country: <country>|Name: <org>|Company: <org>\nCity: <city>|Location: <city>, <country>|Department: Finance
Product: <titlewords>|Job title: <job>|Born in <city> on <date>.|Monday, Tuesday and Wednesday are booked.
Spring and Summer collections|From <month> to <month>|Step one: open the lid. Step two: press Start.|Chapter Two
The Second World War ended in <year>.|Article Five of the Constitution|The <street> bridge is closed.
Meet me at <street>, <city>.|The hotel on <street> serves <nationality> breakfast.|Bus 12 stops at <street>.
HTTP error 500 in module <word>.|job <word> finished in <num> ms|user logged in from <city>
retrying upload of <word>.csv|connection to <word> lost after <num> seconds|cache miss for <word>
cannot parse date <date>|GET /api/v1/<word> 200 <num>|can i pay with my card in <country>?
is there a shop in <city>?|what time do you open on <weekday>?|i want to cancel my order <num>
we moved from <city> to <city>|the <job> position at <org> is open|<org> charges too much
the weather in <city> is nice
"""


def _cut(text: str) -> tuple[str, ...]:
    """One carrier per line or '|'; a backslash and n inside a carrier is a line break of its text."""
    lines = text.strip().replace("\n", "|").split("|")
    return tuple(line.strip().replace("\\n", "\n") for line in lines if line.strip())


PERSONAL = _cut(_PERSONAL) + _cut(_MORE_PERSONAL)
NOBODY = _cut(_NOBODY)
