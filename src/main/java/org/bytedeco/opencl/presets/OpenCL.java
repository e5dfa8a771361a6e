package org.bytedeco.opencl.presets;

import org.bytedeco.javacpp.annotation.Properties;

/**
 * Stands in for the class of this name: the presets of oneDNN inherit its properties, and JavaCPP cannot read theirs
 * without it. They use nothing of it, and its artifact is not published for this version.
 */
@Properties
public class OpenCL {}
