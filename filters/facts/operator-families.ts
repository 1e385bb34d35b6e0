/**
 * Families of operators with the names that PyTorch has for them, as functions, modules in lower case, and methods; the family
 * that costs most first, which is the one a task is counted under. Grouping after the levels of KernelBench and the categories of
 * TritonBench.
 */
export const OPERATOR_FAMILIES: Readonly<Record<string, readonly string[]>> = {
  attention: ['scaled_dot_product_attention', 'multiheadattention', 'multi_head_attention_forward', 'flex_attention'],
  convolution: words(
    'conv1d conv2d conv3d conv_transpose1d conv_transpose2d conv_transpose3d convtranspose1d convtranspose2d convtranspose3d unfold fold',
  ),
  matmul: words(
    'matmul mm bmm addmm baddbmm linear einsum bilinear tensordot outer dot mv inner ger kron addmv addbmm',
  ),
  recurrent: words('lstm gru rnn lstmcell grucell rnncell'),
  normalization: words(
    'layer_norm layernorm batch_norm batchnorm1d batchnorm2d batchnorm3d group_norm groupnorm instance_norm instancenorm1d instancenorm2d instancenorm3d rms_norm rmsnorm normalize local_response_norm localresponsenorm',
  ),
  softmax: words('softmax log_softmax logsoftmax softmin gumbel_softmax logsumexp'),
  loss: words(
    'cross_entropy crossentropyloss mse_loss mseloss l1_loss l1loss nll_loss nllloss kl_div kldivloss smooth_l1_loss smoothl1loss huber_loss huberloss binary_cross_entropy bceloss binary_cross_entropy_with_logits bcewithlogitsloss hinge_embedding_loss triplet_margin_loss tripletmarginloss cosine_embedding_loss margin_ranking_loss',
  ),
  pooling: words(
    'max_pool1d max_pool2d max_pool3d maxpool1d maxpool2d maxpool3d avg_pool1d avg_pool2d avg_pool3d avgpool1d avgpool2d avgpool3d adaptive_avg_pool1d adaptive_avg_pool2d adaptiveavgpool1d adaptiveavgpool2d adaptiveavgpool3d adaptive_max_pool2d adaptivemaxpool2d lp_pool2d interpolate upsample grid_sample',
  ),
  scan: words('cumsum cumprod cummax cummin logcumsumexp'),
  sorting: words('sort argsort topk kthvalue unique searchsorted bincount histc multinomial'),
  reduction: words(
    'sum mean amax amin max min prod norm std var argmax argmin any all count_nonzero var_mean std_mean aminmax nansum median vector_norm',
  ),
  indexing: words(
    'embedding embeddingbag index_select gather scatter scatter_add index_add index_put take take_along_dim masked_select masked_fill where one_hot roll flip tril triu nonzero',
  ),
  quantization: words('quantize_per_tensor dequantize fake_quantize_per_tensor_affine quantize _scaled_mm'),
  activation: words(
    'relu gelu silu sigmoid tanh elu selu leaky_relu leakyrelu relu6 hardswish hardsigmoid hardtanh softplus softsign mish prelu celu threshold logsigmoid swish glu swiglu hardshrink softshrink tanhshrink',
  ),
  elementwise: words(
    'add sub mul div pow sqrt rsqrt exp log abs neg clamp clip sin cos erf reciprocal square maximum minimum floor ceil round sign fmod remainder lerp addcmul addcdiv log1p expm1 exp2 log2 dropout bitwise_and bitwise_or logical_and eq ne lt gt le ge isnan',
  ),
  layout: words('cat stack permute transpose contiguous reshape view pad split chunk repeat expand pixel_shuffle'),
}

function words(text: string): string[] {
  return text.split(' ')
}
