"""Generated children's stories: a hero, a place, a small trouble, a good end."""

ANIMALS = ("cat dog mouse rabbit fox bear owl frog duck lamb pony kitten puppy squirrel hedgehog turtle lion elephant bird horse cow pig goat "
           "sheep hen monkey tiger wolf deer penguin beaver otter badger crow parrot swan").split()
PEOPLE = {"girl": "she", "boy": "he", "princess": "she", "prince": "he", "king": "he", "queen": "she", "farmer": "he", "baker": "he",
          "fisherman": "he", "grandmother": "she", "grandfather": "he", "wizard": "he", "witch": "she", "fairy": "she", "knight": "he", "sailor": "he",
          "shepherd": "he", "dragon": "he", "robot": "it", "giant": "he", "teacher": "she", "gardener": "she", "pirate": "he", "painter": "she",
          "snowman": "he", "doll": "she", "star": "it", "train": "it", "tree": "it", "child": "she", "brother": "he", "sister": "she",
          "mermaid": "she", "unicorn": "she", "dinosaur": "he", "astronaut": "she", "toy": "it", "cloud": "it", "boat": "it", "mother": "she", "father": "he"}
SHE = "Lily Anna Mia Rose Emma Sara Lucy Daisy Maria Julia Nina Eva Grace Clara Ella Ruby Molly Alice Hannah Olivia Sophie Kate Iris Laura Zoe Mary Jane Amy Sue Tina".split()
HE = "Tom Ben Max Sam Leo Tim Jack Peter Paul Felix Oscar Hugo Noah Will Theo Karl Ivan David Frank Bob Charlie George Victor Nick Finn Toby Henry Adam Luke Joe".split()
ADJECTIVES = "little small brave kind shy clever happy curious gentle funny quiet young lonely merry tiny lazy hungry".split()
PLACES = ["in a forest", "in a small village", "by the sea", "near a river", "on a farm", "in a big city", "in an old castle", "in a green valley", "on a hill",
          "in a quiet garden", "at the edge of a lake", "in a little house", "in the mountains", "in a meadow", "on an island", "under a big tree", "near a mill"]
OBJECTS = ["red ball", "golden key", "silver bell", "paper kite", "warm scarf", "tiny boat", "old map", "blue feather", "round stone", "magic lamp", "little drum",
           "shiny coin", "big apple", "wooden box", "glass bead", "green hat", "white shell", "picture book", "music box", "yellow flower", "lost letter"]
WEATHER = "sunny rainy windy snowy cold warm foggy bright stormy".split()
LESSONS = ["it is good to share", "friends help each other", "it is good to tell the truth", "you should never give up", "small friends can be a big help",
           "it is good to be kind", "it is good to ask for help", "being brave does not mean having no fear", "listening is as important as talking",
           "patience brings good things", "every day is a new chance", "home is where your friends are", "a kind word costs nothing"]
FOODS = ["bread and honey", "warm soup", "apple pie", "hot chocolate", "pancakes", "a big cake", "fresh berries", "tea and biscuits"]

ASK = ["Tell me a story about {}.", "Write a story about {}.", "Write a short story about {}.", "Tell me a short story about {}.", "Can you tell me a story about {}?",
       "Tell me a bedtime story about {}.", "Write a children's story about {}.", "Please tell me a story about {}.", "I want to hear a story about {}.",
       "Can you write a story about {}?", "story about {}", "Make up a story about {}.", "Write a little story about {}.", "Tell a story about {}.",
       "Could you write a short children's story about {}?", "Tell me a fairy tale about {}.", "Write me a story about {}.", "Give me a short story about {}."]
ASK_ANY = ["Tell me a story.", "Write a story.", "Write a short story.", "Tell me a bedtime story.", "Tell me a children's story.", "Write a children's story.",
           "Can you tell me a story?", "Please tell me a story.", "I want to hear a story.", "Tell me a short story.", "story please", "Write a short children's story.",
           "Tell me a fairy tale.", "Tell me something nice before I sleep.", "Make up a story.", "Write a story for children.", "Tell me a story for children.",
           "Write a short story for a child.", "tell me a story", "Another story, please.", "Can you write a story?"]


def a(noun):
    return ("an " if noun[0] in "aeiou" else "a ") + noun


class Stories:
    """Draws (request, story) pairs; the story keeps to what the request names."""

    def __init__(self, rng):
        self.rng = rng

    def pick(self, items):
        return items[int(self.rng.random() * len(items))]

    def draw(self):
        pick = self.pick
        kinds = list(PEOPLE) * 1 + ANIMALS
        kind = pick(["girl", "boy"]) if self.rng.random() < 0.15 else pick(kinds)
        she = {"she": True, "he": False}.get(PEOPLE.get(kind), self.rng.random() < 0.5)
        name = pick(SHE if she else HE)
        other_she = self.rng.random() < 0.5
        other = pick([n for n in (SHE if other_she else HE) if n != name])
        other_kind = pick([k for k in ANIMALS if k != kind])
        adjective, place, thing, lesson = pick(ADJECTIVES), pick(PLACES), pick(OBJECTS), pick(LESSONS)
        r = self.rng.random()
        names_thing = 0.90 <= r < 0.95
        scene = pick([0, 5]) if names_thing else self.rng.randint(0, 9)
        story = self.story(scene, kind, she, name, other_kind, other_she, other, adjective, place, thing, lesson)
        if r < 0.15:
            request = pick(ASK_ANY)
        elif r < 0.40:
            request = pick(ASK).format(a(kind))
        elif r < 0.58:
            request = pick(ASK).format(a(f"{adjective} {kind}"))
        elif r < 0.68:
            request = pick(ASK).format(a(f"{kind} named {name}"))
        elif r < 0.76:
            request = pick(ASK).format(a(f"{adjective} {kind} named {name}"))
        elif r < 0.84:
            request = pick(ASK).format(f"{a(kind)} {place}")
        elif r < 0.90:
            request = pick(ASK).format(f"{a(kind)} and {a(other_kind)}")
        elif r < 0.95:
            request = pick(ASK).format(f"{a(kind)} and {a(thing)}")
        else:
            request = pick(ASK).format(pick([f"{name} the {kind}", f"{a(kind)} who lived {place}", f"{a(adjective + ' ' + kind)} and {a(other_kind)}"]))
        if self.rng.random() < 0.05:
            request = request.lower().rstrip(".?")
        return request, story

    def story(self, scene, kind, she, name, other_kind, other_she, other, adjective, place, thing, lesson):
        pick = self.pick
        he, him, his = ("she", "her", "her") if she else ("he", "him", "his")
        ohe, ohim, ohis = ("she", "her", "her") if other_she else ("he", "him", "his")
        He, OHe = he.capitalize(), ohe.capitalize()
        weather = pick(WEATHER)
        opening = pick([
            f"Once upon a time, there was {a(adjective + ' ' + kind)} named {name} who lived {place}.",
            f"Once upon a time, {a(adjective + ' ' + kind)} named {name} lived {place}.",
            f"Once there was {a(kind)} called {name}. {He} was very {adjective} and lived {place}." if adjective not in ("little", "tiny", "young", "small") else f"Once there was {a(adjective + ' ' + kind)} called {name}. {He} lived {place}.",
            f"Long ago, {place}, there lived {a(adjective + ' ' + kind)} named {name}.",
            f"{name} was {a(adjective + ' ' + kind)} who lived {place}.",
        ])
        habit = pick([
            f"Every morning {name} looked out of the window and said good morning to the sun.",
            f"{name} liked to sing and to play outside.", f"{name} loved {pick(FOODS)} more than anything else.",
            f"{He} had many dreams, but {he} had only a few friends.", f"Everyone knew {name}, because {he} always had a kind word for others.",
            f"{name} had {a(thing)}, and {he} took it everywhere.", "", "",
        ])
        had_thing = "took it everywhere" in habit
        day = pick([f"One {weather} day,", f"One {weather} morning,", f"On {a(weather + ' afternoon')},", "One day,"])
        a_other = a(other_kind)
        if scene in (0, 5) and had_thing:
            habit = ""
        if scene == 0:
            body = (f"{day} {name} found {a(thing)} on the path. \"Who has lost this?\" {he} asked. {name} went from door to door, but nobody knew. "
                    f"At last {he} met {a_other} named {other}, who was crying. \"I have lost my {thing},\" said {other}. \"Here it is,\" said {name} with a smile. "
                    f"{other} was so happy that {ohe} danced around {name} three times.")
        elif scene == 1:
            body = (f"{day} {name} went for a long walk and lost the way. The trees all looked the same, and it was getting dark. {name} sat down and began to cry. "
                    f"Then {a_other} named {other} came by. \"Do not be afraid,\" said {other}. \"I know every path here. Follow me!\" "
                    f"They walked together through the dark, and soon {name} saw the light of {his} own house. \"Thank you, {other},\" said {name}, and gave {ohim} {pick(FOODS)}.")
        elif scene == 2:
            body = (f"{day} {name} heard a small voice. \"Help! Please help me!\" It was {a_other} named {other}, who had fallen into a deep hole. "
                    f"{name} was not very strong, but {he} had a good idea. {He} brought a long branch and held it down. {other} climbed up slowly, step by step, until {ohe} was free. "
                    f"\"You saved me,\" said {other}. \"I will never forget it.\"")
        elif scene == 3:
            body = (f"{day} {name} wanted to bake a cake, but there was no flour in the house. {He} asked {a_other} named {other}. \"I have flour, but I have no eggs,\" said {other}. "
                    f"So they went to the farm together and asked for eggs. Then they mixed and stirred and waited. When the cake was ready, the whole house smelled sweet. "
                    f"They invited all the neighbors, and everybody got a piece.")
        elif scene == 4:
            body = (f"{day} a great storm came. The wind blew and the rain fell, and {name} stayed inside. Then there was a knock at the door. Outside stood {a_other} named {other}, wet and cold. "
                    f"\"May I come in?\" asked {other}. \"Of course,\" said {name}. {He} made a fire and gave {ohim} {pick(FOODS)}. "
                    f"They told each other stories until the storm was over and the stars came out.")
        elif scene == 5:
            body = (f"{day} {name} and {a_other} named {other} both saw {a(thing)} in the grass. \"I saw it first!\" said {name}. \"No, I did!\" said {other}. They were angry and did not speak for a while. "
                    f"Then {name} began to laugh. \"How silly we are,\" {he} said. \"We can both play with it.\" And so they did, all afternoon.")
        elif scene == 6:
            body = (f"{name} wanted to see the world from the top of the hill, but the hill was very high. {day} {he} began to climb. Half way up {he} was tired and wanted to go home. "
                    f"\"Do not stop now,\" called {a_other} named {other}. \"Take one small step, and then one more.\" {name} took one small step, and then one more, and at last {he} stood on the top. "
                    f"{He} could see the river, the fields and the blue sea far away. \"It is beautiful,\" said {name}.")
        elif scene == 7:
            body = (f"There was one thing that {name} was afraid of: the dark. {day} {his} friend {other}, {a_other}, did not come home in the evening. {name} took a small lamp and went out to look for {ohim}. "
                    f"The night was dark and the wind was cold, but {name} did not turn back. At last {he} found {other} under a bush with a hurt foot. "
                    f"\"You came for me in the dark!\" said {other}. {name} helped {ohim} home, and {he} was not afraid any more.")
        elif scene == 8:
            body = (f"{name} planted a tiny seed. Every day {he} gave it water, but nothing happened. \"It will never grow,\" said {a_other} named {other}. But {name} did not give up. "
                    f"{day} a small green leaf came out of the earth. The plant grew and grew, until it was taller than {name}. In the summer it carried sweet red apples, and {name} gave the first one to {other}.")
        else:
            body = (f"{day} it was {name}'s birthday, but nobody said a word. {name} felt sad and walked to the river alone. There {he} met {a_other} named {other}. "
                    f"\"Come quickly,\" said {other}, \"I must show you something.\" {name} ran after {ohim}. Behind the house stood all {his} friends with a big cake and many lights. "
                    f"\"Happy birthday, {name}!\" they called. {name} laughed and cried at the same time.")
        ending = pick([
            f"From that day on, {name} and {other} were best friends. They learned that {lesson}.",
            f"In the evening they went home, tired but happy. {name} had learned that {lesson}.",
            f"{name} and {other} played together every day after that, and they never forgot that {lesson}.",
            f"That night {name} fell asleep with a smile. {He} knew now that {lesson}.",
            f"And they all lived happily ever after.",
            f"When the moon came up, {name} said good night to {other}. It had been a wonderful day. The end.",
        ])
        return " ".join(part for part in (opening, habit, body, ending) if part)
