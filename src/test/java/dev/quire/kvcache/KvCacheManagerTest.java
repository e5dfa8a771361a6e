package dev.quire.kvcache;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.Test;

class KvCacheManagerTest {
    private static final int BLOCK = 4;

    private static int[] tokens(int first, int count) {
        int[] tokens = new int[count];
        Arrays.setAll(tokens, i -> first + i);
        return tokens;
    }

    private static KvCacheManager manager(int numBlocks) {
        return new KvCacheManager(numBlocks, BLOCK, true, 42);
    }

    @Test
    void allocationIsAllOrNothing() {
        KvCacheManager manager = manager(4);
        BlockTable a = new BlockTable();
        assertThat(manager.allocate(a, 3 * BLOCK, 0)).isTrue();
        BlockTable b = new BlockTable();
        assertThat(manager.allocate(b, BLOCK + 1, 0)).isFalse();
        assertThat(b.numBlocks()).isZero();
        assertThat(manager.numFreeBlocks()).isEqualTo(1);
        assertThat(manager.allocate(b, BLOCK, 1)).as("the reserve stays free").isFalse();
        assertThat(manager.allocate(b, BLOCK, 0)).isTrue();
        manager.verify(List.of(a, b));
    }

    @Test
    void growsWithinABlockWithoutTakingOne() {
        KvCacheManager manager = manager(2);
        BlockTable table = new BlockTable();
        assertThat(manager.allocate(table, 1, 0)).isTrue();
        assertThat(manager.allocate(table, BLOCK, 5))
                .as("nothing needed, so the reserve does not matter")
                .isTrue();
        assertThat(table.numBlocks()).isEqualTo(1);
    }

    @Test
    void aCachedPrefixIsReusedAndNeverIncludesTheLastToken() {
        KvCacheManager manager = manager(8);
        int[] prompt = tokens(0, 3 * BLOCK);
        BlockTable first = new BlockTable();
        assertThat(manager.admit(first, prompt, prompt.length, 0, 0)).isZero();
        manager.cacheFullBlocks(first, prompt, prompt.length, 0);

        BlockTable second = new BlockTable();
        assertThat(manager.admit(second, prompt, prompt.length, 0, 0)).isEqualTo(2 * BLOCK);
        assertThat(Arrays.copyOf(second.blocks(), 2)).isEqualTo(Arrays.copyOf(first.blocks(), 2));
        assertThat(second.block(2)).isNotEqualTo(first.block(2));
        manager.verify(List.of(first, second));

        int[] longer = tokens(0, 3 * BLOCK + 1);
        BlockTable third = new BlockTable();
        assertThat(manager.admit(third, longer, longer.length, 0, 0)).isEqualTo(3 * BLOCK);
        manager.verify(List.of(first, second, third));
    }

    @Test
    void blocksSurviveTheirOwnerUntilTheyAreTaken() {
        KvCacheManager manager = manager(4);
        int[] prompt = tokens(100, 2 * BLOCK + 1);
        BlockTable first = new BlockTable();
        manager.admit(first, prompt, prompt.length, 0, 0);
        manager.cacheFullBlocks(first, prompt, 2 * BLOCK, 0);
        manager.free(first);
        assertThat(manager.numFreeBlocks()).isEqualTo(4);
        assertThat(manager.numCachedBlocks()).isEqualTo(2);

        // Two blocks were never cached: they go first, so the prefix is still there.
        BlockTable other = new BlockTable();
        assertThat(manager.allocate(other, 2 * BLOCK, 0)).isTrue();
        assertThat(manager.numCachedBlocks()).isEqualTo(2);
        // One more takes the least recently used: the tail of the prefix, not its head.
        assertThat(manager.allocate(other, 3 * BLOCK, 0)).isTrue();
        manager.free(other);
        BlockTable again = new BlockTable();
        assertThat(manager.admit(again, prompt, prompt.length, 0, 0)).isEqualTo(BLOCK);
        manager.verify(List.of(again));
    }

    @Test
    void matchedFreeBlocksCountAsTakenWhenCheckingTheFit() {
        KvCacheManager manager = manager(3);
        int[] prompt = tokens(7, 2 * BLOCK + 1);
        BlockTable first = new BlockTable();
        manager.admit(first, prompt, prompt.length, 0, 0);
        manager.cacheFullBlocks(first, prompt, prompt.length, 0);
        manager.free(first);
        BlockTable hog = new BlockTable();
        manager.allocate(hog, 1, 0);
        // Two cached blocks are free, a third is needed and there is none.
        BlockTable second = new BlockTable();
        assertThat(manager.admit(second, prompt, prompt.length, 0, 0)).isEqualTo(-1);
        assertThat(second.numBlocks()).isZero();
        manager.verify(List.of(hog, second));
    }

    @Test
    void differentSaltsShareNothing() {
        KvCacheManager manager = manager(8);
        int[] prompt = tokens(0, 2 * BLOCK + 1);
        BlockTable first = new BlockTable();
        manager.admit(first, prompt, prompt.length, 1, 0);
        manager.cacheFullBlocks(first, prompt, prompt.length, 1);
        BlockTable second = new BlockTable();
        assertThat(manager.admit(second, prompt, prompt.length, 2, 0)).isZero();
    }

    @Test
    void aBlockIsKnownByItsWholePrefix() {
        KvCacheManager manager = manager(16);
        int[] a = {1, 1, 1, 1, 9, 9, 9, 9, 5};
        int[] b = {2, 2, 2, 2, 9, 9, 9, 9, 5};
        BlockTable first = new BlockTable();
        manager.admit(first, a, a.length, 0, 0);
        manager.cacheFullBlocks(first, a, a.length, 0);
        BlockTable second = new BlockTable();
        assertThat(manager.admit(second, b, b.length, 0, 0)).isZero();
    }

    @Test
    void aForkSharesFullPromptBlocksWithoutACache() {
        KvCacheManager manager = new KvCacheManager(8, BLOCK, false, 0);
        int[] prompt = tokens(0, 2 * BLOCK + 3);
        BlockTable leader = new BlockTable();
        assertThat(manager.admit(leader, prompt, prompt.length, 0, 0)).isZero();
        BlockTable sibling = new BlockTable();
        assertThat(manager.fork(sibling, leader, prompt.length, prompt.length, 0))
                .isEqualTo(2 * BLOCK);
        assertThat(manager.numFreeBlocks()).isEqualTo(8 - 4);
        manager.free(leader);
        manager.verify(List.of(leader, sibling));
        manager.free(sibling);
        assertThat(manager.numFreeBlocks()).isEqualTo(8);
    }

    @Test
    void verifyFindsALeak() {
        KvCacheManager manager = manager(4);
        BlockTable table = new BlockTable();
        manager.allocate(table, 1, 0);
        assertThatThrownBy(() -> manager.verify(List.of()))
                .isInstanceOf(IllegalStateException.class)
                .hasMessageContaining("owners");
    }

    /** Random admissions, growth and frees over few distinct prompts; every cached prefix is checked token by token. */
    @Test
    void invariantsHoldUnderRandomUse() {
        Random random = new Random(1);
        KvCacheManager manager = new KvCacheManager(40, BLOCK, true, 7);
        // What each physical block holds, as the device would have it.
        int[] device = new int[40 * BLOCK];
        List<BlockTable> tables = new ArrayList<>();
        List<int[]> contents = new ArrayList<>();
        int hits = 0;
        for (int step = 0; step < 20_000; step++) {
            if (random.nextInt(3) > 0 && tables.size() < 12) {
                int[] prompt = new int[1 + random.nextInt(30)];
                Arrays.setAll(prompt, i -> random.nextInt(i < 8 ? 2 : 3));
                BlockTable table = new BlockTable();
                int cached = manager.admit(table, prompt, prompt.length, 0, 0);
                if (cached < 0) {
                    continue;
                }
                hits += cached;
                for (int i = 0; i < prompt.length; i++) {
                    int slot = table.block(i / BLOCK) * BLOCK + i % BLOCK;
                    if (i < cached) {
                        assertThat(device[slot]).isEqualTo(prompt[i]);
                    } else {
                        device[slot] = prompt[i];
                    }
                }
                manager.cacheFullBlocks(table, prompt, prompt.length, 0);
                tables.add(table);
                contents.add(prompt);
            } else if (!tables.isEmpty()) {
                int victim = random.nextInt(tables.size());
                manager.free(tables.remove(victim));
                contents.remove(victim);
            }
            manager.verify(tables);
        }
        assertThat(hits).isGreaterThan(1000);
        for (int t = 0; t < tables.size(); t++) {
            for (int i = 0; i < contents.get(t).length; i++) {
                int slot = tables.get(t).block(i / BLOCK) * BLOCK + i % BLOCK;
                assertThat(device[slot]).isEqualTo(contents.get(t)[i]);
            }
        }
        tables.forEach(manager::free);
        assertThat(manager.numFreeBlocks()).isEqualTo(40);
        manager.resetPrefixCache();
        assertThat(manager.numCachedBlocks()).isZero();
        manager.verify(List.of());
    }
}
