package dev.quire.kernel.cpu;

import java.util.ArrayList;
import java.util.List;

/** Stacked matrices cut into blocks of neighbouring panels of one array: what a thread takes at a time. */
final class PanelBlocks {
    final int count;
    /** Block b is panels [panel[b], + numPanels[b]) of parts[part[b]]; its first output is output[b]. */
    final int[] part;

    final int[] panel;
    final int[] numPanels;
    final int[] output;

    /**
     * @param form only parts that take this form of input
     * @param size panels of a block at most
     */
    PanelBlocks(List<CpuLinear.Part> parts, InputForm form, int size) {
        List<int[]> blocks = new ArrayList<>();
        int firstOutput = 0;
        for (int p = 0; p < parts.size(); p++) {
            PackedMatrix matrix = parts.get(p).matrix();
            boolean included = parts.get(p).form().equals(form);
            for (int at = 0; included && at < matrix.numPanels; ) {
                // Not across the border of two arrays.
                int inArray = matrix.panelsPerArray - at % matrix.panelsPerArray;
                int taken = Math.min(Math.min(size, inArray), matrix.numPanels - at);
                blocks.add(new int[] {p, at, taken, firstOutput + at * PackedMatrix.PANEL_ROWS});
                at += taken;
            }
            firstOutput += matrix.rows;
        }
        count = blocks.size();
        part = column(blocks, 0);
        panel = column(blocks, 1);
        numPanels = column(blocks, 2);
        output = column(blocks, 3);
    }

    private static int[] column(List<int[]> blocks, int index) {
        return blocks.stream().mapToInt(block -> block[index]).toArray();
    }
}
