"""Generated conversations with tools: whatever the function, its call is read off the prompt."""

import json

SYSTEMS = [
    "You are a helpful assistant.", "You are a helpful assistant.", "You are a helpful assistant.", None, None,
    "You are Quire, a helpful assistant.", "You are Quire.", "You are an assistant with access to tools.",
    "You are a function calling AI model.", "Use the tools to answer.", "Answer briefly.", "You are a bot. Use the given functions.",
    "Be concise.", "You are a helpful assistant. Use tools when they help.",
]
CONDITIONS = ["clear", "cloudy", "rainy", "sunny", "windy", "snowy", "foggy", "stormy", "hot", "cold", "mild"]


def function(name, description, properties, required=None):
    parameters = {"type": "object", "properties": properties, "required": list(properties) if required is None else required}
    return {"type": "function", "function": {"name": name, "description": description, "parameters": parameters}}


WEATHER = function(
    "get_weather", "Get the current weather in a city.",
    {"city": {"type": "string", "description": "The name of the city."}, "unit": {"type": "string", "enum": ["celsius", "fahrenheit"]}}, ["city"])
CALCULATOR = function(
    "calculator", "Evaluate an arithmetic expression.",
    {"expression": {"type": "string", "description": "The expression to evaluate."}})
TIME = function("get_time", "Get the current time in a city.", {"city": {"type": "string", "description": "The name of the city."}})
SEARCH = function("search", "Search the web.", {"query": {"type": "string"}})
STANDARD = [WEATHER, CALCULATOR, TIME, SEARCH]
# A definition with one of these words does the same as the standard tool: never offered beside it.
SAME = {"get_weather": ("weather", "temperature"), "calculator": ("expression", "alculator"), "get_time": (" time",), "search": ("Search", "Find pages")}

WEATHER_ASKS = [
    "What is the weather in {}?", "What's the weather like in {}?", "How is the weather in {}?", "weather in {}", "Is it raining in {}?",
    "Do I need an umbrella in {}?", "Tell me the weather in {}.", "What is the weather in {} today?", "What's the weather in {}?",
    "How is the weather in {} today?", "Is it cold in {}?", "Is it sunny in {}?", "What is the temperature in {}?", "How warm is it in {}?",
    "Weather {}", "Give me the weather for {}.", "What is the forecast for {}?", "Please check the weather in {}.", "Can you tell me the weather in {}?",
    "I am going to {}. What is the weather there?", "{} weather", "what's the weather in {} right now?", "Get the weather for {}.",
]
TIME_ASKS = [
    "What time is it in {}?", "Tell me the time in {}.", "How late is it in {}?", "time in {}", "What is the time in {}?",
    "What time is it now in {}?", "What is the current time in {}?", "Can you tell me the time in {}?", "local time {}", "Get the time for {}.",
    "Do you know what time it is in {}?", "What's the time in {}?",
]
SEARCH_ASKS = [
    "Search for {}.", "Search the web for {}.", "Find {}.", "Look up {}.", "Please search for {}.", "Can you look up {}?", "Search {}",
    "Google {}", "Find information about {}.", "Search online for {}.",
]
CALC_ASKS = [
    "Compute {}.", "Calculate {}.", "{} = ?", "How much is {}?", "Use the calculator to compute {}.", "What is {}?", "{}", "What's {}?",
    "Please calculate {}.", "Can you compute {}?", "Evaluate {}.", "Work out {} for me.", "Tell me what {} is.", "{} =", "Solve {}.",
    "I need the result of {}.",
]
CITY_KEYS = [("city", "The name of the city."), ("location", "The city and state, e.g. San Francisco, CA"), ("location", "The location."),
             ("place", "The place."), ("city_name", "Name of the city"), ("town", "The town."), ("city", None), ("location", "City and country e.g. Bogotá, Colombia"),
             ("region", "The region."), ("where", "Where to look.")]
CALC_KEYS = [("expression", "The expression to evaluate."), ("expr", "A formula."), ("input", "The input."), ("formula", "The formula to compute."),
             ("expression", None), ("equation", "Mathematical expression"), ("query", "The expression."), ("text", None)]
SEARCH_KEYS = [("query", None), ("query", "The search query."), ("q", "The query."), ("keywords", "The keywords."), ("text", None), ("term", "The search term.")]

ATTRIBUTES = ("price population distance temperature address status owner color size weight age height length capital currency language "
              "schedule rating score balance salary phone email birthday location category author title genre speed value rate name number "
              "stock inventory history definition meaning translation summary menu recipe route map photo profile account order invoice ticket "
              "flight train bus hotel room table meeting event task note reminder alarm timer message file document report page link "
              "article book song album movie game team player match humidity altitude depth width volume area tax discount total").split()
OBJECTS = ("product city country person user customer order book movie song planet animal plant river mountain company team player item car "
           "house device server file account package flight train hotel restaurant recipe word topic student teacher employee ship star museum").split()
VERBS = ("send create delete open close start stop find show list update book cancel play pause save load check count copy move lock unlock "
         "print scan clean paint build repair order buy sell pack ship call invite follow block share download upload measure weigh mix cook feed").split()


def _prop(kind, description=None, enum=None):
    value = {"type": kind}
    if description:
        value["description"] = description
    if enum:
        value["enum"] = enum
    return value


class Tools:
    """One method per kind of tool; each returns (definition, question, calls, result, answer)."""

    def __init__(self, strings):
        self.s = strings
        self.rng = strings.rng
        self.pick = strings.pick
        self.chance = strings.chance

    # --- the four well-known tools, exactly and under other names -------------------------------------------

    def _name(self, usual, variants):
        r = self.rng.random()
        if r < 0.5:
            return usual
        return self.pick(variants) if r < 0.8 else self.s.identifier()

    def weather(self, exact):
        city = self.s.city()
        if exact:
            tool, key, unit_key, units = WEATHER, "city", "unit", ["celsius", "fahrenheit"]
        else:
            key, description = self.pick(CITY_KEYS)
            properties = {key: _prop("string", description)}
            unit_key, units = None, None
            if self.chance(0.5):
                unit_key = self.pick(["unit", "units", "unit", "format", "scale"])
                units = self.pick([["celsius", "fahrenheit"], ["celsius", "fahrenheit"], ["c", "f"], ["metric", "imperial"], ["Celsius", "Fahrenheit"]])
                properties[unit_key] = _prop("string", self.pick([None, "The unit.", "The temperature unit to use."]), units)
            name = self._name("get_weather", ["get_current_weather", "weather", "fetch_weather", "current_weather", "weather_lookup", "getWeather", "get_forecast"])
            tool = function(name, self.pick(["Get the current weather in a city.", "Get the current weather in a given location", "Get weather information.", "Returns the weather for a place.", "Get current temperature for a given location."]), properties, [key])
        question = self.pick(WEATHER_ASKS).format(city)
        arguments = {key: city}
        if unit_key and self.chance(0.3):
            i = self.rng.randint(0, 1)
            said = ["Celsius", "Fahrenheit"] if units[0] in ("celsius", "c", "Celsius") else ["metric units", "imperial units"]
            question = self.pick(["What is the weather in {} in {}?", "Tell me the weather in {} in {}.", "weather in {} in {}", "How warm is it in {} in {}?", "What's the temperature in {}? Use {}."]).format(city, said[i])
            arguments[unit_key] = units[i]
        condition, degrees = self.pick(CONDITIONS), self.rng.randint(-15, 40)
        answer = f"It is {condition} in {city}, and the temperature is {degrees} degrees Celsius."
        result = {"city": city, "temperature": degrees, "condition": condition}
        r = self.rng.random()
        if r < 0.10:
            result = {"temperature": degrees, "condition": condition}
        elif r < 0.16:
            result = self.pick([f"{condition}, {degrees} degrees", f"{degrees} degrees and {condition}", f"{degrees}C, {condition}", f"{condition.capitalize()}, {degrees} C"])
        elif r < 0.24:
            result = self.pick([{"temperature": degrees}, {"location": city, "temperature": degrees}, {"temp": degrees}, f"{degrees}", f"{degrees} C", {"temperature": str(degrees), "unit": "celsius"}])
            answer = f"The temperature in {city} is {degrees} degrees Celsius."
        elif r < 0.30:
            result = self.pick([{"condition": condition}, {"city": city, "weather": condition}, condition, {"forecast": condition}])
            answer = f"It is {condition} in {city}."
        return tool, question, [(tool, arguments)], [result], answer

    def clock(self, exact):
        city = self.s.city()
        if exact:
            tool, key = TIME, "city"
        else:
            key, description = self.pick(CITY_KEYS + [("timezone", "The time zone.")])
            name = self._name("get_time", ["get_current_time", "time", "clock", "current_time", "time_in", "getTime", "local_time"])
            tool = function(name, self.pick(["Get the current time in a city.", "Get the local time of a place.", "Returns the current time."]), {key: _prop("string", description)})
        time = self.s.time()
        result = {"city": city, "time": time} if self.chance(0.8) else self.pick([time, {"time": time}, {"location": city, "time": time}, f"It is {time}."])
        return tool, self.pick(TIME_ASKS).format(city), [(tool, {key: city})], [result], f"It is {time} in {city}."

    def search(self, exact):
        query = self.s.query()
        if exact:
            tool, key = SEARCH, "query"
        else:
            key, description = self.pick(SEARCH_KEYS)
            name = self._name("search", ["web_search", "search_web", "google", "lookup", "find", "search_engine", "query_web"])
            tool = function(name, self.pick(["Search the web.", "Search the internet for information.", "Find pages on the web."]), {key: _prop("string", description)})
        question = self.pick(SEARCH_ASKS).format(query)
        found = self.s.pick(self.s.phrases)
        return tool, question, [(tool, {key: query})], [{"result": found}], f"I found this: {found}."

    def calculator(self, exact):
        expression = self.s.expression()
        question = self.pick(CALC_ASKS).format(expression)
        if self.chance(0.08):
            a, b = self.s._number(), self.s._number()
            word, op = self.pick([("plus", "+"), ("minus", "-"), ("times", "*"), ("multiplied by", "*"), ("divided by", "/")])
            expression = f"{a} {op} {b}"
            question = self.pick(["What is {}?", "Calculate {}.", "Compute {}.", "How much is {}?"]).format(f"{a} {word} {b}")
            if expression in self.s.held_out:
                return self.calculator(exact)
        if exact:
            tool, key = CALCULATOR, "expression"
        else:
            key, description = self.pick(CALC_KEYS)
            name = self._name("calculator", ["calculate", "calc", "evaluate", "compute", "math", "eval_expression"])
            tool = function(name, self.pick(["Evaluate an arithmetic expression.", "Evaluate a mathematical expression", "A calculator.", "Compute the value of an expression."]), {key: _prop("string", description)})
        result = self.s.integer() if self.chance(0.8) else self.s.decimal()
        if self.chance(0.2):
            result = -result
        said = {"result": result} if self.chance(0.8) else self.pick([str(result), {"value": result}, {"answer": result}, {"result": str(result)}])
        return tool, question, [(tool, {key: expression})], [said], f"{expression} = {result}"

    # --- tools nobody has seen before -----------------------------------------------------------------------

    def attribute(self):
        """Look up one attribute of one thing: "What is the price of X?"."""
        attribute, thing = self.pick(ATTRIBUTES), self.pick(OBJECTS)
        verb = self.pick(["get", "get", "find", "lookup", "fetch", "query", "read", "show", "check"])
        name = self.pick([f"{verb}_{attribute}", f"{verb}_{thing}_{attribute}", f"{thing}_{attribute}", f"{verb}{attribute.capitalize()}", self.s.identifier()])
        kind = self.rng.random()
        if kind < 0.55:
            key, value = self.pick([thing, "name", thing + "_name", "query", "title", "id"]), self.pick([self.s.city, self.s.person, self.s.proper])()
            schema = _prop("string", self.pick([None, f"The {thing}.", f"The name of the {thing}."]))
        elif kind < 0.7:
            key, value = self.pick([thing + "_id", "id", "code", "number"]), self.s.code()
            schema = _prop("string", self.pick([None, f"The id of the {thing}."]))
        elif kind < 0.85:
            key, value = self.pick([thing + "_id", "id", "number", "key"]), self.s.integer(6)
            schema = _prop("integer", self.pick([None, f"The id of the {thing}."]))
        else:
            key, value = self.pick([thing, "word", "item", "name"]), self.pick(self.s.words)
            schema = _prop("string", self.pick([None, f"The {thing}."]))
        tool = function(name, self.pick(["Get the {0} of a {1}.", "Find the {0} of a {1}.", "Returns the {0} for the given {1}.", "Look up the {0} of a {1}."]).format(attribute, thing), {key: schema})
        form = self.pick(["What is the {0} of {2}?", "Get the {0} of {2}.", "Tell me the {0} of the {1} {2}.", "Find the {0} for {2}.", "{0} of {2}", "What is the {0} of the {1} {2}?", "Show me the {0} of {2}, please.", "I need the {0} of {1} {2}."])
        found = self.pick([self.s.integer(), self.s.proper(), self.s.date(), self.s.decimal(), self.pick(self.s.words)])
        said = {attribute: found} if self.chance(0.7) else self.pick([str(found), {"result": found}, {"value": found}])
        return tool, form.format(attribute, thing, value), [(tool, {key: value})], [said], f"The {attribute} of {value} is {found}."

    def _parameter(self):
        """(name, schema, value, how the user says it)"""
        name = self.pick([self.pick(ATTRIBUTES), self.pick(OBJECTS), self.s.identifier(1), self.s.identifier(2), self.pick("abcnxyzkp")])
        r = self.rng.random()
        if r < 0.4:
            value = self.pick([self.s.proper, self.s.city, self.s.person, self.s.code, self.s.email, self.s.date, self.s.time, self.s.letters, self.s.syllables])()
            schema = _prop("string")
        elif r < 0.5:
            value = self.pick([self.pick(self.s.words), self.s.query()])
            schema = _prop("string")
        elif r < 0.75:
            value, schema = self.s.integer(6), _prop("integer")
        elif r < 0.85:
            value, schema = self.s.decimal(), _prop("number")
        elif r < 0.92:
            options = [self.pick(self.s.common) for _ in range(self.rng.randint(2, 4))]
            value, schema = self.pick(options), _prop("string", None, options)
        else:
            value, schema = self.chance(0.5), _prop("boolean")
        if self.chance(0.3):
            schema["description"] = f"The {name}."
        said = ("true" if value else "false") if isinstance(value, bool) else str(value)
        return name, schema, value, said

    def explicit(self):
        """A function called by its name with named arguments."""
        parameters = {}
        for _ in range(self.rng.randint(1, 3)):
            name, schema, value, said = self._parameter()
            parameters[name] = (schema, value, said)
        name = self.s.identifier()
        tool = function(name, self.pick([f"Run {name}.", "A function.", " ".join(self.pick(self.s.common) for _ in range(self.rng.randint(2, 6))).capitalize() + "."]), {k: p[0] for k, p in parameters.items()})
        join = self.pick([" and ", ", "])
        form = self.pick(["{0} {1}", "{0} = {1}", "{0} set to {1}", "{0}: {1}", "{0} as {1}"])
        said = join.join(form.format(k, p[2]) for k, p in parameters.items())
        question = self.pick(["Call {0} with {1}.", "Use {0} with {1}.", "Run {0} with {1}", "Please call the function {0} with {1}.", "{0}: {1}", "Use the tool {0} with {1}."]).format(name, said)
        result = self.pick(["ok", "done", self.s.integer(), self.s.proper()])
        return tool, question, [(tool, {k: p[1] for k, p in parameters.items()})], [{"result": result}], f"The result is {result}."

    def command(self):
        """ "Send an email to X about Y", "Convert 5 miles to km", and the like."""
        s, pick = self.s, self.pick
        n, who, day, time = s.rng.randint(1, 120), s.person(), s.date(), s.time()
        r = self.rng.randint(0, 15)
        if r == 0:
            to, subject = s.email(), pick([s.query(), pick(s.words)])
            keys = pick([("to", "subject"), ("recipient", "subject"), ("email", "topic"), ("address", "body")])
            tool = function(pick(["send_email", "email", "send_mail", s.identifier()]), "Send an email.", {keys[0]: _prop("string", "The address."), keys[1]: _prop("string")})
            return tool, pick(["Send an email to {} about {}.", "Write an email to {} about {}.", "Email {} about {}."]).format(to, subject), [(tool, {keys[0]: to, keys[1]: subject})], [{"status": "sent"}], f"I have sent the email to {to}."
        if r == 1:
            units = pick([("miles", "kilometers"), ("kilometers", "miles"), ("dollars", "euros"), ("pounds", "kilograms"), ("feet", "meters"), ("inches", "centimeters"), ("hours", "minutes"), ("USD", "EUR"), ("EUR", "JPY"), ("GBP", "USD")])
            keys = pick([("value", "from", "to"), ("amount", "from_unit", "to_unit"), ("number", "source", "target"), ("amount", "from_currency", "to_currency")])
            amount = pick([n, s.integer(4), s.decimal()])
            tool = function(pick(["convert", "convert_units", "unit_converter", "convert_currency", s.identifier()]), "Convert a value from one unit to another.", {keys[0]: _prop("number"), keys[1]: _prop("string"), keys[2]: _prop("string")})
            result = s.decimal()
            return tool, pick(["Convert {} {} to {}.", "How much is {} {} in {}?", "What is {} {} in {}?", "{} {} to {}"]).format(amount, *units), [(tool, {keys[0]: amount, keys[1]: units[0], keys[2]: units[1]})], [{"result": result}], f"{amount} {units[0]} is {result} {units[1]}."
        if r == 2:
            key = pick(["minutes", "duration", "length", "time"])
            tool = function(pick(["set_timer", "start_timer", "timer", s.identifier()]), "Start a timer.", {key: _prop("integer", "Minutes.")})
            return tool, pick(["Set a timer for {} minutes.", "Start a timer of {} minutes.", "Timer for {} minutes please", "Wake me in {} minutes."]).format(n), [(tool, {key: n})], [{"status": "ok"}], f"The timer is set for {n} minutes."
        if r == 3:
            keys = pick([("text", "language"), ("text", "target_language"), ("word", "to"), ("sentence", "target")])
            language, text = pick("French Spanish German Italian Japanese Chinese Russian Arabic Portuguese Dutch Swedish Greek".split()), pick([pick(s.words), s.query()])
            tool = function(pick(["translate", "translate_text", "translator", s.identifier()]), "Translate text into another language.", {keys[0]: _prop("string"), keys[1]: _prop("string")})
            return tool, pick(["Translate {} to {}.", "Translate {} into {}.", "How do you say {} in {}?", 'Translate "{}" to {}.']).format(text, language), [(tool, {keys[0]: text, keys[1]: language})], None, None
        if r == 4:
            keys = pick([("city", "date"), ("location", "date"), ("hotel", "day"), ("place", "check_in")])
            city = s.city()
            tool = function(pick(["book_hotel", "reserve_room", "hotel_booking", s.identifier()]), "Book a hotel room.", {keys[0]: _prop("string"), keys[1]: _prop("string", "The date.")})
            return tool, pick(["Book a hotel in {} for {}.", "I need a hotel in {} on {}.", "Reserve a room in {} for {}."]).format(city, day), [(tool, {keys[0]: city, keys[1]: day})], [{"status": "booked"}], f"I have booked a hotel in {city} for {day}."
        if r == 5:
            keys = pick([("origin", "destination"), ("from", "to"), ("start", "end"), ("from_city", "to_city")])
            a, b = s.city(), s.city()
            tool = function(pick(["find_flights", "search_flights", "get_route", "find_trains", s.identifier()]), "Find connections between two cities.", {keys[0]: _prop("string"), keys[1]: _prop("string")})
            return tool, pick(["Find flights from {} to {}.", "How do I get from {} to {}?", "I want to go from {} to {}.", "trains from {} to {}", "What is the distance from {} to {}?"]).format(a, b), [(tool, {keys[0]: a, keys[1]: b})], None, None
        if r == 6:
            keys = pick([("title", "date"), ("event", "date"), ("name", "when"), ("text", "date")])
            title = pick([s.query(), pick(s.words)])
            tool = function(pick(["create_event", "add_event", "create_reminder", "remind", s.identifier()]), "Add something to the calendar.", {keys[0]: _prop("string"), keys[1]: _prop("string")})
            return tool, pick(["Remind me of {} on {}.", "Add {} to my calendar on {}.", "Create an event {} on {}."]).format(title, day), [(tool, {keys[0]: title, keys[1]: day})], [{"status": "ok"}], f"I have added {title} on {day}."
        if r == 7:
            key, symbol = pick(["symbol", "ticker", "stock", "company"]), pick([s.code()[:3].upper(), s.letters(3, 4).upper(), s.proper()])
            tool = function(pick(["get_stock_price", "stock_price", "get_quote", s.identifier()]), "Get the price of a stock.", {key: _prop("string")})
            price = s.decimal()
            return tool, pick(["What is the stock price of {}?", "How much is a share of {}?", "stock price {}", "Get the price of {} stock.", "What is {} trading at?"]).format(symbol), [(tool, {key: symbol})], [{"price": price}], f"The price of {symbol} is {price}."
        if r == 8:
            keys = pick([("name", "message"), ("contact", "text"), ("to", "message"), ("person", "content")])
            message = pick([s.query(), "I am late", "happy birthday", "see you soon", "call me back", "good luck"])
            tool = function(pick(["send_message", "send_sms", "text", s.identifier()]), "Send a message to a person.", {keys[0]: _prop("string"), keys[1]: _prop("string")})
            return tool, pick(["Send a message to {} saying {}.", "Tell {} {}.", "Text {}: {}", "Send {} the message {}."]).format(who, message), [(tool, {keys[0]: who, keys[1]: message})], [{"status": "sent"}], f"I have sent the message to {who}."
        if r == 9:
            verb, thing = pick(VERBS), pick(OBJECTS)
            key = pick([thing, thing + "_id", "name", "id", "target"])
            value = pick([s.proper(), s.code(), s.identifier(), s.integer(5)])
            tool = function(pick([f"{verb}_{thing}", s.identifier()]), f"{verb.capitalize()} a {thing}.", {key: _prop("integer" if isinstance(value, int) else "string")})
            return tool, pick(["{} the {} {}.", "Please {} the {} {}.", "Can you {} {} {}?", "{} {} {}"]).format(verb, thing, value), [(tool, {key: value})], [{"status": "ok"}], pick(["Done.", f"I did that for {value}."])
        if r == 10:
            keys = pick([("a", "b"), ("x", "y"), ("first", "second"), ("number1", "number2"), ("left", "right")])
            a, b = s.integer(4), s.integer(4)
            name, verb, join = pick([("add", "Add", "and"), ("add_numbers", "Add", "and"), ("multiply", "Multiply", "by"), ("subtract", "Subtract", "and"), ("divide", "Divide", "by"), ("gcd", "Find the gcd of", "and"), ("max", "Find the larger of", "and")])
            tool = function(name if self.chance(0.8) else s.identifier(), f"{verb} two numbers.", {keys[0]: _prop("integer"), keys[1]: _prop("integer")})
            return tool, pick(["{} {} {} {}.", "Please {} {} {} {}", "Can you {} {} {} {}?"]).format(verb, a, join, b), [(tool, {keys[0]: a, keys[1]: b})], [{"result": a + b}], f"The result is {a + b}."
        if r == 11:
            key, value = pick(["song", "title", "track", "name"]), pick([s.query(), s.person(), pick(s.phrases)])
            tool = function(pick(["play_music", "play_song", "play", s.identifier()]), "Play a song.", {key: _prop("string")})
            return tool, pick(["Play {}.", "Please play {}.", "Can you play {}?", "I want to hear {}."]).format(value), [(tool, {key: value})], [{"status": "playing"}], f"Now playing {value}."
        if r == 12:
            keys = pick([("restaurant", "people", "time"), ("name", "guests", "time"), ("place", "party_size", "at")])
            place, people = s.proper(), s.rng.randint(1, 20)
            tool = function(pick(["book_table", "reserve_table", "make_reservation", s.identifier()]), "Reserve a table in a restaurant.", {keys[0]: _prop("string"), keys[1]: _prop("integer"), keys[2]: _prop("string")})
            return tool, pick(["Book a table at {} for {} people at {}.", "Reserve a table at {} for {} at {}.", "I want a table at {} for {} people at {}."]).format(place, people, time), [(tool, {keys[0]: place, keys[1]: people, keys[2]: time})], [{"status": "booked"}], f"Your table at {place} is booked."
        if r == 13:
            key, room = pick(["room", "location", "name", "device"]), pick("kitchen bedroom bathroom garage garden office hall cellar attic living_room".split() + [s.proper()])
            on = self.chance(0.5)
            tool = function(pick(["set_light", "switch_light", "light", s.identifier()]), "Switch a light on or off.", {key: _prop("string"), "on": _prop("boolean")})
            return tool, pick(["Turn {} the light in the {}.", "Switch {} the {} light.", "{} with the light in the {}"]).format("on" if on else "off", room), [(tool, {key: room, "on": on})], [{"status": "ok"}], f"The light in the {room} is {'on' if on else 'off'}."
        if r == 14:
            tool = function(pick(["get_date", "today", "current_date", "roll_dice", "list_files", "get_news", "flip_coin", "get_user", s.identifier()]), "", {})
            words = tool["function"]["name"].replace("_", " ")
            tool["function"]["description"] = words.capitalize() + "."
            return tool, pick(["Please {}.", "{}", "Can you {}?", "Use the tool to {}."]).format(words), [(tool, {})], None, None
        key = pick(["word", "term", "text", "query"])
        word = pick(s.words)
        tool = function(pick(["define", "dictionary", "get_definition", "lookup_word", s.identifier()]), "Look up the meaning of a word.", {key: _prop("string")})
        return tool, pick(["What does {} mean?", "Define {}.", "Look up the word {}.", "What is the meaning of {}?", "definition of {}"]).format(word), [(tool, {key: word})], None, None

    # --- conversations --------------------------------------------------------------------------------------

    def one(self):
        r = self.rng.random()
        exact = self.chance(0.6)
        if r < 0.20:
            return self.weather(exact)
        if r < 0.40:
            return self.calculator(exact)
        if r < 0.52:
            return self.clock(exact)
        if r < 0.62:
            return self.search(exact)
        if r < 0.75:
            return self.attribute()
        if r < 0.87:
            return self.explicit()
        return self.command()

    def parallel(self):
        """Two calls of one tool, or the time and the weather of one place."""
        exact = self.chance(0.6)
        if self.chance(0.4):
            city, when = self.s.city(), self.s.time()
            weather = {"city": city, "temperature": self.rng.randint(-15, 40), "condition": self.pick(CONDITIONS)}
            question = self.pick(["What is the time and the weather in {}?", "Tell me the time and the weather in {}.", "time and weather in {}"]).format(city)
            answer = f"It is {when} in {city}. It is {weather['condition']}, and the temperature is {weather['temperature']} degrees Celsius."
            return [TIME, WEATHER], question, [(TIME, {"city": city}), (WEATHER, {"city": city})], [{"city": city, "time": when}, weather], answer
        kind = self.pick([self.weather, self.clock, self.calculator])
        if self.chance(0.35):
            return self.mixed()
        tool, _, calls, _, _ = kind(exact)
        key = next(iter(calls[0][1]))
        values = [self.s.expression() if kind == self.calculator else self.s.city() for _ in range(self.pick([2, 2, 2, 3]))]
        said = " and in ".join(values) if kind != self.calculator else " and ".join(values)
        results, answers = [], []
        for value in values:
            if kind == self.weather:
                condition, degrees = self.pick(CONDITIONS), self.rng.randint(-15, 40)
                results.append({"city": value, "temperature": degrees, "condition": condition})
                answers.append(f"It is {condition} in {value}, and the temperature is {degrees} degrees Celsius.")
            elif kind == self.clock:
                results.append({"city": value, "time": self.s.time()})
                answers.append(f"It is {results[-1]['time']} in {value}.")
            else:
                results.append({"result": self.s.integer()})
                answers.append(f"{value} = {results[-1]['result']}")
        if kind == self.weather:
            question = self.pick(["What is the weather in {}?", "How is the weather in {}?", "weather in {}", "Tell me the weather in {}."]).format(said)
        elif kind == self.clock:
            question = self.pick(["What time is it in {}?", "Tell me the time in {}.", "What is the time in {}?"]).format(said)
        else:
            question = self.pick(["Compute {}.", "Calculate {}.", "What is {}?"]).format(said)
        return [tool], question, [(tool, {key: v}) for v in values], results, (", " if kind == self.calculator else " ").join(answers)

    def mixed(self):
        """Two questions in one message, for two tools."""
        first, second = self.rng.sample([self.weather, self.clock, self.calculator, self.search], 2)
        tool_a, ask_a, calls_a, results_a, answer_a = first(self.chance(0.7))
        tool_b, ask_b, calls_b, results_b, answer_b = second(self.chance(0.7))
        if tool_a["function"]["name"] == tool_b["function"]["name"]:
            return self.mixed()
        question = self.pick([ask_a + " " + ask_b, ask_a.rstrip("?.!") + ", and " + ask_b[0].lower() + ask_b[1:], ask_a + " And " + ask_b[0].lower() + ask_b[1:]])
        join = " " if answer_a.endswith(".") else ". "
        return [tool_a, tool_b], question, calls_a + calls_b, results_a + results_b, answer_a + join + answer_b

    def distractors(self, used, count):
        tools, names = list(used), {t["function"]["name"] for t in used}
        for _ in range(count):
            tool = self.pick(STANDARD) if self.chance(0.65) else self.pick([self.attribute, self.explicit, self.command])()[0]
            words = SAME.get(tool["function"]["name"], ()) if tool in STANDARD else ()
            twin = any(word in t["function"]["description"] for word in words for t in used)
            if tool["function"]["name"] not in names and not twin:
                names.add(tool["function"]["name"])
                tools.append(tool)
        self.rng.shuffle(tools)
        return [self.decorate(t) if self.chance(0.2) else t for t in tools]

    def decorate(self, tool):
        """The same definition as another client would write it: other order of keys, other extra keys."""
        inner = dict(tool["function"])
        parameters = dict(inner["parameters"])
        if self.chance(0.4):
            parameters["additionalProperties"] = False
        if self.chance(0.3):
            inner["strict"] = True
        if self.chance(0.3):
            inner.pop("description")
        if self.chance(0.4):
            parameters = dict(self.rng.sample(list(parameters.items()), len(parameters)))
        inner["parameters"] = parameters
        if self.chance(0.4):
            inner = dict(self.rng.sample(list(inner.items()), len(inner)))
        outer = {"type": "function", "function": inner}
        return outer if self.chance(0.7) else dict(reversed(outer.items()))

    def conversation(self, chat_rows):
        """(messages, tools): one to three questions, most of them answered by calls."""
        used, turns = [], []
        for _ in range(self.pick([1, 1, 1, 1, 1, 1, 2, 3])):
            r = self.rng.random()
            if r < 0.10:
                row = self.pick(chat_rows)
                turns.append((row[0], None, None, row[1]))
                continue
            tools, question, calls, results, answer = self.parallel() if r < 0.22 else self.one()
            tools = tools if isinstance(tools, list) else [tools]
            names = {t["function"]["name"]: t for t in used}
            if any(names.get(t["function"]["name"], t) != t for t in tools):
                continue
            used += [t for t in tools if t["function"]["name"] not in names]
            turns.append((self.vary(question), calls, results, answer))
        if not turns:
            return self.conversation(chat_rows)
        tools = self.distractors(used, self.pick([0, 0, 1, 1, 2, 3]) if used else self.pick([1, 2, 3]))
        if not tools:
            return self.conversation(chat_rows)
        messages = []
        system = self.pick(SYSTEMS)
        if system:
            messages.append({"role": "system", "content": system})
        for i, (question, calls, results, answer) in enumerate(turns):
            messages.append({"role": "user", "content": question})
            if calls is None:
                messages.append({"role": "assistant", "content": answer})
                continue
            messages.append({"role": "assistant", "content": "", "tool_calls": [{"type": "function", "function": {"name": t["function"]["name"], "arguments": a}} for t, a in calls]})
            last = i == len(turns) - 1
            if results is None or (last and self.chance(0.4)):
                if not last:
                    break
                continue
            for result in results:
                text = result if isinstance(result, str) else json.dumps(result, ensure_ascii=False)
                messages.append({"role": "tool", "content": text})
            messages.append({"role": "assistant", "content": answer})
        return messages, tools

    def vary(self, question):
        if self.chance(0.05):
            question = question.rstrip(".?!")
        if self.chance(0.04):
            question = self.pick(["Hi. ", "Hello! ", "Please. ", "Hey, "]) + question
        if self.chance(0.03):
            question += self.pick([" Thanks.", " Please.", " Use a tool.", " Thank you!"])
        return question
