// The evidence as it travels, and as base/audit_chain.h and base/audit_roots.h compute with it.
#pragma once

#include "absl/status/statusor.h"
#include "base/audit_chain.h"
#include "base/audit_roots.h"
#include "tidemark/v1/audit.pb.h"

namespace tidemark::rpc {

// DATA_LOSS if the message is no link of a study, or no root.
absl::StatusOr<AuditChainLink> ChainLinkOf(const Uuid& study, const v1::AuditLink& link);
absl::StatusOr<AuditRootContent> RootContentOf(const v1::AuditRoot& root);

// Adds the end of a chain to what is signed.
void AddAuditHead(const AuditChainHead& head, v1::AuditRoot& root);

}  // namespace tidemark::rpc
