package dev.quire.chat.jinja;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.quire.chat.jinja.TemplateException.Kind;
import java.math.BigDecimal;
import java.math.BigInteger;
import java.time.Clock;
import java.time.Instant;
import java.time.ZoneOffset;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.Callable;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

class TemplateTest {
    private static final Clock CLOCK = Clock.fixed(Instant.parse("2026-01-05T03:04:09.123456Z"), ZoneOffset.UTC);

    private static String render(String source, Map<String, ?> variables) {
        return Template.compile(source).render(variables, Limits.defaults(), CLOCK);
    }

    private static String render(String source) {
        return render(source, Map.of());
    }

    private static TemplateException failure(String source, Limits limits) {
        try {
            String output = Template.compile(source).render(Map.of(), limits, CLOCK);
            throw new AssertionError("rendered " + output.length() + " characters");
        } catch (TemplateException e) {
            return e;
        }
    }

    @ParameterizedTest
    @CsvSource(delimiter = '|', quoteCharacter = '`', textBlock = """
                    {{ nil.x }}|1
                    `a\nb\n{{ (1,\n2)[0] + 'x' }}`|3
                    `{% if true %}\n\n  {{ raise_exception('no') }}{% endif %}`|3
                    `{% macro m() %}\n\n{{ 1 / 0 }}{% endmacro %}\n{{ m() }}`|3
                    `{% macro m() %}\n\n{% endmacro %}\n{{ m() ~ 1 / 0 }}`|4
                    `\n{% for x in 5 %}{% endfor %}`|2
                    `ok\n{{ 'x'|nosuch }}`|2
                    `ok\n{% if %}`|2
                    `a\n{#\n#}\n{% endfor %}`|4
                    """)
    void errorsNameTheirLine(String source, int line) {
        assertThat(failure(source.replace("\\n", "\n"), Limits.defaults()).line())
                .isEqualTo(line);
    }

    @Test
    void raisedMessagesAreVerbatim() {
        TemplateException e = failure("{{ raise_exception('Only \"user\" & <x>, got ' ~ 5) }}", Limits.defaults());
        assertThat(e.kind()).isEqualTo(Kind.RAISED);
        assertThat(e).hasMessage("Only \"user\" & <x>, got 5");
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "{% for i in range(99999) %}{% for j in range(99999) %}{% endfor %}{% endfor %}",
                "{% for i in range(99999) %}{% for j in range(99999) %}{% continue %}{% endfor %}{% endfor %}",
                "{{ 'x' * 1000000000 }}",
                "{{ 'x' * 10 ** 30 }}",
                "{{ [0] * 1000000000 }}",
                "{{ 'x'.center(1000000000) }}",
                "{{ 'x'.ljust(1000000000) }}",
                "{{ '%1000000000d' % 1 }}",
                "{{ '{:100000000}'.format(1) }}",
                "{{ 'x\ny'|indent(1000000000) }}",
                "{{ [[1]]|tojson(indent=1000000000) }}",
                "{{ 10 ** (10 ** 10) }}",
                "{{ 7 ** 99999999 }}",
                "{% set ns = namespace(s='x') %}{% for i in range(99) %}{% set ns.s = ns.s ~ ns.s %}{% endfor %}",
                "{% set ns = namespace(s='x') %}{% for i in range(99) %}{% set ns.s = ns.s.replace('x', 'xx') %}{% endfor %}",
                "{% set ns = namespace(l=[1]) %}{% for i in range(99) %}{% set ns.l = ns.l + ns.l %}{% endfor %}",
                "{% set ns = namespace(l=[1]) %}{% for i in range(99) %}{% set ns.l = [ns.l, ns.l] %}{% endfor %}{{ ns.l }}",
                "{% set ns = namespace(l=[1]) %}{% for i in range(99) %}{% set ns.l = [ns.l, ns.l] %}{% endfor %}"
                        + "{{ ns.l|tojson }}",
                "{% set ns = namespace(a=[1], b=[1]) %}{% for i in range(99) %}{% set ns.a = [ns.a, ns.a] %}"
                        + "{% set ns.b = [ns.b, ns.b] %}{% endfor %}{{ ns.a == ns.b }}",
                "{% for i in range(99999) %}{{ 'y' * 1000 }}{% endfor %}",
                "{% set s = 'a b ' * 5000000 %}{{ s.split()|length }}",
                "{% set s = 'a,' * 5000000 %}{% for i in range(99999) %}{{ s|length }}{% endfor %}",
                "{% set l = range(99999)|list %}{% for i in range(99999) %}{{ -1 in l }}{% endfor %}",
                "{% macro m(n) %}{{ m(n) }}{% endmacro %}{{ m(1) }}",
                "{% macro w() %}{{ caller() }}{% endmacro %}"
                        + "{% macro m(n) %}{% call w() %}{{ m(n) }}{% endcall %}{% endmacro %}{{ m(1) }}",
                "{% for x in [[1]] recursive %}{{ loop([[1]]) }}{% endfor %}",
                "{% set ns = namespace(l=[]) %}{% for i in range(99999) %}{% set ns.l = [ns.l] %}{% endfor %}{{ ns.l }}"
            })
    void hostileTemplatesEndWithAnError(String source) {
        Limits limits = new Limits(1_000_000, 1 << 20, 100);
        assertThat(failure(source, limits).kind()).isIn(Kind.LIMIT, Kind.RECURSION);
    }

    @Test
    void deepNestingIsRefusedWhenCompiling() {
        assertThatThrownBy(() -> Template.compile("{{ " + "(".repeat(5000) + "1" + ")".repeat(5000) + " }}"))
                .isInstanceOf(TemplateException.class);
        assertThatThrownBy(() -> Template.compile("{{ " + "not ".repeat(50_000) + "1 }}"))
                .isInstanceOf(TemplateException.class);
        assertThatThrownBy(() -> Template.compile("{% if 1 %}".repeat(5000) + "{% endif %}".repeat(5000)))
                .isInstanceOf(TemplateException.class);
        assertThatThrownBy(() -> render("{{ 1" + " + 1".repeat(200_000) + " }}"))
                .isInstanceOf(TemplateException.class);
    }

    @Test
    void valuesNestedTooDeeplyAreRefused() {
        List<Object> deep = new ArrayList<>();
        for (int i = 0; i < 10_000; i++) {
            deep = new ArrayList<>(List.of(deep));
        }
        Map<String, Object> variables = Map.of("x", deep);
        assertThatThrownBy(() -> render("{{ x }}", variables)).isInstanceOf(TemplateException.class);
    }

    @Test
    void everyJavaNumberIsUnderstood() {
        Map<String, Object> variables = new LinkedHashMap<>();
        variables.put(
                "v",
                List.of(
                        1,
                        (short) 2,
                        (byte) 3,
                        4L,
                        5.5f,
                        6.5,
                        new BigInteger("7"),
                        new BigDecimal("8.25"),
                        new BigInteger("123456789012345678901234567890")));
        assertThat(render("{{ v }}", variables))
                .isEqualTo("[1, 2, 3, 4, 5.5, 6.5, 7, 8.25, 123456789012345678901234567890]");
        assertThat(render("{{ v|sum > 10 }}{{ v[0] == 1 }}{{ 1 in v }}{{ 8.25 in v }}", variables))
                .isEqualTo("TrueTrueTrueTrue");
    }

    @Test
    void immutableMapsAndForeignTypes() {
        Map<String, Object> variables = Map.of("d", Map.of("a", 1));
        assertThat(render("{{ d.get(none) }}{{ none in d }}{{ d.zzz is defined }}", variables))
                .isEqualTo("NoneFalseFalse");
        Map<String, Object> foreign = Map.of("x", new StringBuilder());
        assertThatThrownBy(() -> render("{{ x }}", foreign)).isInstanceOf(IllegalArgumentException.class);
    }

    @ParameterizedTest
    @CsvSource({
        "0.1, 0.1",
        "1e22, 1e+22",
        "2e-3, 0.002",
        "1e23, 1e+23",
        "2e23, 2e+23",
        "4.35, 4.35",
        "9007199254740993, 9007199254740992.0",
        "1e15, 1000000000000000.0",
        "123456789012345680, 1.2345678901234568e+17",
        "5e-324, 5e-324",
        "1.7976931348623157e308, 1.7976931348623157e+308",
        "0.00012, 0.00012",
        "0.000012, 1.2e-05",
        "2.2250738585072014e-308, 2.2250738585072014e-308",
        "-0.0, -0.0",
        "100.0, 100.0"
    })
    void floatsPrintAsPythonPrintsThem(double value, String expected) {
        assertThat(render("{{ x }}", Map.of("x", value))).isEqualTo(expected);
    }

    @Test
    void strftimeFollowsTheGivenClock() {
        String directives = "%a %A %b %B %d %e %H %I %j %m %M %p %S %y %Y %U %W %u %w %V %G %f %F %T %D %R"
                + " %-d %-m %-H %_d|%%|%Z|%C|%h|%k|%l|%-I|%c|%x|%X";
        assertThat(render("{{ strftime_now(f) }}", Map.of("f", directives)))
                .isEqualTo("Mon Monday Jan January 05  5 03 03 005 01 04 AM 09 26 2026 01 01 1 1 02 2026 123456"
                        + " 2026-01-05 03:04:09 01/05/26 03:04 5 1 3  5|%||20|Jan| 3| 3|3|Mon Jan  5 03:04:09 2026"
                        + "|01/05/26|03:04:09");
        Clock sunday = Clock.fixed(Instant.parse("2024-12-29T15:00:00Z"), ZoneOffset.UTC);
        assertThat(Template.compile("{{ strftime_now('%a %U %W %u %w %V %G %I %p') }}")
                        .render(Map.of(), Limits.defaults(), sunday))
                .isEqualTo("Sun 52 52 7 0 52 2024 03 PM");
    }

    @Test
    void oneTemplateRendersOnManyThreads() throws Exception {
        Template template =
                Template.compile("{% set ns = namespace(sum=0) %}{% macro add(x) %}{{ x + n }}{% endmacro %}"
                        + "{% for i in range(200) %}{% set ns.sum = ns.sum + add(i)|int %}{% endfor %}{{ ns.sum }}");
        ExecutorService pool = Executors.newFixedThreadPool(8);
        try {
            List<Callable<String>> jobs = new ArrayList<>();
            for (int i = 0; i < 64; i++) {
                long n = i;
                jobs.add(() -> template.render(Map.of("n", n), Limits.defaults(), CLOCK));
            }
            int i = 0;
            for (Future<String> result : pool.invokeAll(jobs)) {
                assertThat(result.get()).isEqualTo(String.valueOf(19_900 + 200 * i++));
            }
        } finally {
            pool.shutdownNow();
        }
    }

    @Test
    void theGivenValuesAreNotChanged() {
        List<Object> list = new ArrayList<>(List.of(3, 1, 2));
        Map<String, Object> variables = Map.of("l", list);
        assertThat(render("{{ l|sort }}{{ l|reverse|list }}{{ (l + [4])|length }}", variables))
                .isEqualTo("[1, 2, 3][2, 1, 3]4");
        assertThatThrownBy(() -> render("{{ l.append(1) }}", variables))
                .isInstanceOfSatisfying(
                        TemplateException.class, e -> assertThat(e.kind()).isEqualTo(Kind.SECURITY));
        assertThat(list).containsExactly(3, 1, 2);
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "{% extends 'x' %}",
                "{% include 'x' %}",
                "{% import 'x' as y %}",
                "{% from 'x' import y %}",
                "{% block b %}{% endblock %}",
                "{% autoescape true %}{% endautoescape %}"
            })
    void whatNeedsOtherTemplatesIsRefused(String source) {
        assertThatThrownBy(() -> Template.compile(source))
                .isInstanceOf(TemplateException.class)
                .hasMessageContaining("not supported");
    }
}
