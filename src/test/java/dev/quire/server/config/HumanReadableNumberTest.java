package dev.quire.server.config;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

class HumanReadableNumberTest {
    @ParameterizedTest
    @CsvSource({
        "4096, 4096",
        "-1, -1",
        "auto, -1",
        "1k, 1000",
        "1K, 1024",
        "25.6k, 25600",
        "2m, 2000000",
        "2M, 2097152",
        "4GiB, 4294967296",
        "4 GiB, 4294967296",
        "4G, 4294967296",
        "4GB, 4000000000",
        "4g, 4000000000",
        "1.5GiB, 1610612736",
        "1T, 1099511627776"
    })
    void reads(String text, long number) {
        assertThat(HumanReadableNumber.parse(text)).isEqualTo(number);
    }

    @ParameterizedTest
    @ValueSource(strings = {"", "k", "1.5", "4X", "4 GiBs", "1.23456789k", "ten", "1iB"})
    void refuses(String text) {
        assertThatThrownBy(() -> HumanReadableNumber.parse(text))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessageContaining("\"" + text + "\"");
    }
}
