package dev.quire.kvcache;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.HashMap;
import java.util.Map;
import java.util.Random;
import org.junit.jupiter.api.Test;

class PrefixCacheTest {
    /** Few distinct home positions, so probe runs are long and wrap around. */
    @Test
    void agreesWithAMapUnderCollisions() {
        PrefixCache cache = new PrefixCache(64);
        Map<Long, Integer> expected = new HashMap<>();
        Random random = new Random(3);
        for (int step = 0; step < 100_000; step++) {
            long low = random.nextInt(6) * 31L + (random.nextInt(8) << 20);
            Integer known = expected.get(low);
            if (known == null && expected.size() < 60) {
                cache.put(low, ~low, step);
                expected.put(low, step);
            } else if (known != null) {
                cache.remove(low, ~low);
                expected.remove(low);
            }
            assertThat(cache.size()).isEqualTo(expected.size());
            long probe = random.nextInt(6) * 31L + (random.nextInt(8) << 20);
            assertThat(cache.find(probe, ~probe)).isEqualTo(expected.getOrDefault(probe, -1));
        }
    }

    @Test
    void comparesBothHalvesOfTheHash() {
        PrefixCache cache = new PrefixCache(4);
        cache.put(1, 2, 7);
        assertThat(cache.find(1, 2)).isEqualTo(7);
        assertThat(cache.find(1, 3)).isEqualTo(-1);
        assertThatThrownBy(() -> cache.remove(1, 3)).isInstanceOf(IllegalStateException.class);
    }
}
