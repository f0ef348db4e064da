// The golden vectors, made by the project's own code from fixed content.
#pragma once

#include "tests/contract/vector_file.h"

namespace tidemark::contract {

// Each is the content of the file of that name. The same in every run, except for what a compressor
// makes of a body and for the keys and signatures of devices.
Json MakeBodyVectors();
Json MakeEnvelopeVectors();
Json MakeBundleVectors();
Json MakeReceiptVectors();
Json MakeDeviceSignatureVectors();

// All of them into `folder`; device_signature.json only when it is not there yet, because
// signatures of devices are randomised.
void WriteVectors(const std::string& folder);

}  // namespace tidemark::contract
