// All kernel families, compiled as one: the module that Quire loads.
#include "activation.cu"
#include "attention_plain.cu"
#include "embedding.cu"
#include "norm.cu"
#include "rope.cu"
#include "rope_table.cu"
