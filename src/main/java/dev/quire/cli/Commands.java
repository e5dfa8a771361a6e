package dev.quire.cli;

import static dev.quire.cli.Option.flag;
import static dev.quire.cli.Option.one;

import dev.quire.cli.Command.Section;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * The grammar of the command line. It is not picocli's: that library's classes are of a format which the JVM's start-up
 * cache refuses, and parsing with it took a fifth of a server's start.
 */
final class Commands {
    private static final Option HELP = flag("Print this help.", "-h", "--help");
    private static final String SHARED_OPTIONS =
            "Every model, device, scheduler and KV cache option of quire serve works too.";

    private Commands() {}

    static Command quire() {
        return new Command(
                "quire",
                "Serves large language models over the OpenAI API.",
                null,
                List.of(new Section("", List.of(HELP, flag("Print the version.", "-V", "--version")))),
                List.of(),
                List.of(serve(), chat(), complete(), bench()),
                List.of());
    }

    private static Command serve() {
        List<Section> sections = new ArrayList<>();
        sections.add(new Section("", List.of(HELP)));
        for (ServeOptions.Section section : ServeOptions.sections()) {
            sections.add(new Section(
                    section.heading(),
                    section.options().stream().map(ServeOption::flag).toList()));
        }
        sections.add(new Section(
                "More",
                List.of(
                        one("FILE", "YAML with lines such as \"max-num-seqs: 8\".", "--config"),
                        flag("Log more, and stack traces of failures.", "--verbose"))));
        return new Command(
                "quire serve",
                "Serves MODEL over HTTP: a Hugging Face directory, a hub name, or nothing for the embedded quire-demo.",
                "MODEL",
                sections,
                List.of(),
                List.of(),
                List.of(
                        "Sizes and counts take units: 32k is 32000, 32K is 32768, 4GiB. A flag wins over its environment",
                        "variable (QUIRE_MAX_NUM_SEQS), that over the file, that over the default."));
    }

    private static Command chat() {
        List<Option> options = new ArrayList<>(List.of(
                one("TEXT", "Send this one message and stop.", "-q", "--quick"),
                one("TEXT", "System message of the conversation.", "--system-prompt")));
        options.addAll(clientOptions());
        return leaf("quire chat", "Talks with a running server; each line of the input is one message.", null, options);
    }

    private static Command complete() {
        String summary = "Completes PROMPT on a running server; without it, the whole input is the prompt.";
        return leaf("quire complete", summary, "PROMPT", clientOptions());
    }

    private static List<Option> clientOptions() {
        return List.of(
                one("URL", "Server (http://localhost:8000).", "--url"),
                one("NAME", "Model (the server's first).", "--model", "--model-name"),
                one("KEY", "Key to bring (VLLM_API_KEY, OPENAI_API_KEY).", "--api-key"),
                one("N", "Tokens to generate at most (the server's default).", "--max-tokens"),
                one("T", "Sampling temperature (the model's).", "--temperature"));
    }

    private static Command bench() {
        return new Command(
                "quire bench",
                "Measures: the engine in this process, or a running server.",
                null,
                List.of(new Section("", List.of(HELP))),
                List.of(),
                List.of(throughput(), latency(), benchServe(), writeCheckpoint()),
                List.of());
    }

    private static Command throughput() {
        List<Option> options = engineWorkload();
        options.add(flag("Compare decode with a plain read loop over memory.", "--roofline"));
        return engineBench("quire bench throughput", "Prefill, decode and batch throughput, no HTTP.", options);
    }

    private static Command latency() {
        List<Option> options = engineWorkload();
        options.add(one("N", "Sequences in the batch (1).", "--batch-size"));
        options.add(one("N", "Measured runs (5).", "--num-iters"));
        options.add(one("N", "Runs before them (2).", "--num-iters-warmup"));
        return engineBench("quire bench latency", "Time of a batch from submit to last token, no HTTP.", options);
    }

    private static Command benchServe() {
        List<Option> options = new ArrayList<>(List.of(
                one("URL", "Server (http://localhost:8000).", "--url", "--base-url"),
                one("NAME", "Model (the server's first).", "--model"),
                one("KEY", "Key to bring (VLLM_API_KEY, OPENAI_API_KEY).", "--api-key"),
                one("R", "Requests a second, inf for all at once (inf).", "--request-rate")));
        options.addAll(workload());
        return leaf("quire bench serve", "Drives a running server as vllm bench serve does.", null, options);
    }

    private static Command writeCheckpoint() {
        return leaf(
                "quire bench write-checkpoint",
                "Writes random weights as a checkpoint directory, for any configuration that can be served.",
                null,
                List.of(
                        one("DIR", "Directory with config.json; tokenizer files are copied from it too.", "--model"),
                        one("DIR", "Directory to write, empty or new.", "--output"),
                        one("SIZE", "Bytes of tensors in a file at most (5GB).", "--max-shard-size"),
                        one("N", "Seed of the weights (0).", "--seed")));
    }

    private static List<Option> engineWorkload() {
        List<Option> options = new ArrayList<>();
        options.add(one("MODEL", "Directory or hub name (the embedded quire-demo).", "--model"));
        options.addAll(workload());
        return options;
    }

    private static List<Option> workload() {
        return List.of(
                one("N", "Requests (64; all of a trace).", "--num-prompts"),
                one("N", "Prompt tokens of each (512).", "--input-len", "--random-input-len"),
                one("N", "Generated tokens of each (128).", "--output-len", "--random-output-len"),
                one("N", "Requests in flight at most (no limit).", "--max-concurrency"),
                one("FILE", "Lengths from JSON lines with prompt_len and output_len.", "--trace"),
                one("N", "Seed of the synthetic prompts (0).", "--seed"),
                one("FILE", "Write the figures as JSON.", "--json"));
    }

    private static Command engineBench(String name, String summary, List<Option> options) {
        List<Option> hidden = new ArrayList<>();
        for (ServeOptions.Section section : ServeOptions.sections()) {
            boolean shared =
                    !section.heading().equals("Server") && !section.heading().equals("Answers");
            section.options().stream()
                    .filter(o ->
                            shared && !o.name().equals("model") && !o.name().equals("seed"))
                    .forEach(o -> hidden.add(o.flag()));
        }
        Command plain = leaf(name, summary, null, options);
        return new Command(name, summary, null, plain.sections(), hidden, List.of(), List.of(SHARED_OPTIONS));
    }

    private static Command leaf(String name, String summary, @Nullable String positional, List<Option> options) {
        List<Option> all = new ArrayList<>();
        all.add(HELP);
        all.addAll(options);
        return new Command(name, summary, positional, List.of(new Section("", all)), List.of(), List.of(), List.of());
    }
}
