package dev.quire.cli;

import dev.quire.cli.ServeOption.Kind;
import java.util.List;
import picocli.CommandLine;
import picocli.CommandLine.Help.Ansi;
import picocli.CommandLine.Model.ArgGroupSpec;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Model.OptionSpec;
import picocli.CommandLine.Model.PositionalParamSpec;

/** The grammar of the command line, built by hand: every option is text here and is checked by its command. */
final class CommandModel {
    private static final int WIDTH = 110;

    private CommandModel() {}

    static CommandLine quire() {
        CommandSpec quire = command("quire", "Serves large language models over the OpenAI API.");
        quire.addOption(OptionSpec.builder("-V", "--version")
                .versionHelp(true)
                .description("Print the version.")
                .build());
        quire.addSubcommand("serve", serve());
        quire.addSubcommand("chat", chat());
        quire.addSubcommand("complete", complete());
        quire.addSubcommand("bench", bench());
        CommandLine line = new CommandLine(quire);
        line.setColorScheme(CommandLine.Help.defaultColorScheme(Ansi.OFF));
        line.setUsageHelpWidth(WIDTH);
        line.setUsageHelpLongOptionsMaxWidth(46);
        return line;
    }

    private static CommandSpec serve() {
        CommandSpec serve = command(
                "serve",
                "Serves MODEL over HTTP: a Hugging Face directory, a hub name, or nothing for the embedded quire-demo.");
        serve.addPositional(positional("MODEL", "Directory or hub name."));
        for (ServeOptions.Section section : ServeOptions.sections()) {
            ArgGroupSpec.Builder group = ArgGroupSpec.builder()
                    .validate(false)
                    .exclusive(false)
                    .multiplicity("0..1")
                    .heading("%n" + section.heading() + ":%n");
            section.options().forEach(option -> group.addArg(flag(option)));
            serve.addArgGroup(group.build());
        }
        serve.addArgGroup(ArgGroupSpec.builder()
                .validate(false)
                .heading("%nMore:%n")
                .addArg(option("FILE", "YAML with lines such as \"max-num-seqs: 8\".", "--config"))
                .addArg(flag("Log more, and stack traces of failures.", "--verbose"))
                .build());
        serve.usageMessage()
                .footer(
                        "",
                        "Sizes and counts take units: 32k is 32000, 32K is 32768, 4GiB. A flag wins over its environment",
                        "variable (QUIRE_MAX_NUM_SEQS), that over the file, that over the default.");
        return serve;
    }

    private static CommandSpec chat() {
        CommandSpec chat = command("chat", "Talks with a running server; each line of the input is one message.");
        chat.addOption(option("TEXT", "Send this one message and stop.", "-q", "--quick"));
        chat.addOption(option("TEXT", "System message of the conversation.", "--system-prompt"));
        clientOptions(chat);
        return chat;
    }

    private static CommandSpec complete() {
        CommandSpec complete =
                command("complete", "Completes PROMPT on a running server; without it, the whole input is the prompt.");
        complete.addPositional(positional("PROMPT", "Text to continue."));
        clientOptions(complete);
        return complete;
    }

    private static void clientOptions(CommandSpec command) {
        command.addOption(option("URL", "Server (http://localhost:8000).", "--url"));
        command.addOption(option("NAME", "Model (the server's first).", "--model", "--model-name"));
        command.addOption(option("KEY", "Key to bring (VLLM_API_KEY, OPENAI_API_KEY).", "--api-key"));
        command.addOption(option("N", "Tokens to generate at most (the server's default).", "--max-tokens"));
        command.addOption(option("T", "Sampling temperature (the model's).", "--temperature"));
    }

    private static CommandSpec bench() {
        CommandSpec bench = command("bench", "Measures: the engine in this process, or a running server.");
        bench.addSubcommand("throughput", offline("throughput", "Prefill, decode and batch throughput, no HTTP."));
        bench.addSubcommand("latency", offline("latency", "Time of one batch from submit to last token, no HTTP."));
        bench.addSubcommand("serve", benchServe());
        return bench;
    }

    private static CommandSpec offline(String name, String help) {
        CommandSpec command = command(name, help);
        command.addOption(option("MODEL", "Directory or hub name (the embedded quire-demo).", "--model"));
        workload(command);
        if (name.equals("latency")) {
            command.addOption(option("N", "Sequences in the batch (1).", "--batch-size"));
            command.addOption(option("N", "Measured runs (5).", "--num-iters"));
            command.addOption(option("N", "Runs before them (2).", "--num-iters-warmup"));
        } else {
            command.addOption(flag("Compare decode with a plain read loop over memory.", "--roofline"));
        }
        command.usageMessage()
                .footer("", "Every model, device, scheduler and KV cache option of quire serve works too.");
        for (ServeOptions.Section section : ServeOptions.sections()) {
            if (!section.heading().equals("Server") && !section.heading().equals("Answers")) {
                section.options().stream()
                        .filter(o -> !o.name().equals("model") && !o.name().equals("seed"))
                        .forEach(o -> command.addOption(
                                OptionSpec.builder(flag(o)).hidden(true).build()));
            }
        }
        return command;
    }

    private static CommandSpec benchServe() {
        CommandSpec command = command("serve", "Drives a running server as vllm bench serve does.");
        command.addOption(option("URL", "Server (http://localhost:8000).", "--url", "--base-url"));
        command.addOption(option("NAME", "Model (the server's first).", "--model"));
        command.addOption(option("KEY", "Key to bring (VLLM_API_KEY, OPENAI_API_KEY).", "--api-key"));
        command.addOption(option("R", "Requests a second, inf for all at once (inf).", "--request-rate"));
        workload(command);
        return command;
    }

    private static void workload(CommandSpec command) {
        command.addOption(option("N", "Requests (64; all of a trace).", "--num-prompts"));
        command.addOption(option("N", "Prompt tokens of each (512).", "--input-len", "--random-input-len"));
        command.addOption(option("N", "Generated tokens of each (128).", "--output-len", "--random-output-len"));
        command.addOption(option("N", "Requests in flight at most (no limit).", "--max-concurrency"));
        command.addOption(option("FILE", "Lengths from JSON lines with prompt_len and output_len.", "--trace"));
        command.addOption(option("N", "Seed of the synthetic prompts (0).", "--seed"));
        command.addOption(option("FILE", "Write the figures as JSON.", "--json"));
    }

    private static CommandSpec command(String name, String help) {
        CommandSpec command = CommandSpec.create().name(name);
        command.usageMessage().description(help).abbreviateSynopsis(true).sortOptions(false);
        command.addOption(OptionSpec.builder("-h", "--help")
                .usageHelp(true)
                .description("Print this help.")
                .build());
        return command;
    }

    private static OptionSpec flag(ServeOption option) {
        OptionSpec.Builder builder = OptionSpec.builder(option.flag()).description(option.help());
        if (option.kind() == Kind.SWITCH) {
            return builder.type(Boolean.class)
                    .arity("0")
                    .negatable(true)
                    .fallbackValue("true")
                    .build();
        }
        builder.paramLabel(option.label());
        return option.kind() == Kind.LIST
                ? builder.type(List.class)
                        .auxiliaryTypes(String.class)
                        .arity("1..*")
                        .build()
                : builder.type(String.class).arity("1").build();
    }

    private static OptionSpec option(String label, String help, String... names) {
        return OptionSpec.builder(names)
                .type(String.class)
                .arity("1")
                .paramLabel(label)
                .description(help)
                .build();
    }

    private static OptionSpec flag(String help, String... names) {
        return OptionSpec.builder(names)
                .type(Boolean.class)
                .arity("0")
                .description(help)
                .build();
    }

    private static PositionalParamSpec positional(String label, String help) {
        return PositionalParamSpec.builder()
                .index("0")
                .arity("0..1")
                .type(String.class)
                .paramLabel("[" + label + "]")
                .hideParamSyntax(true)
                .description(help)
                .build();
    }
}
