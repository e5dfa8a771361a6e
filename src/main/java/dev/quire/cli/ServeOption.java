package dev.quire.cli;

import java.util.List;

/**
 * One option of {@code quire serve}: a flag, a configuration key and an environment variable of the same name.
 *
 * @param flag its name is vLLM's spelling
 * @param key the configuration key, such as {@code quire.max-num-seqs}
 * @param environment variables that set it, the first that is present wins
 * @param check what values are right
 */
record ServeOption(Option flag, String key, List<String> environment, ValueCheck check) {
    String name() {
        return flag.name();
    }
}
