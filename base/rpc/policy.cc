#include "base/rpc/policy.h"

#include <fmt/format.h>
#include <google/protobuf/descriptor.h>

#include <algorithm>
#include <vector>

#include "base/rpc/enum_set.h"

namespace tidemark::rpc {
namespace {

using google::protobuf::DescriptorPool;
using google::protobuf::FieldDescriptor;
using google::protobuf::MethodDescriptor;
using google::protobuf::ServiceDescriptor;

bool Allows(const v1::Authz& authz, v1::PrincipalKind kind) {
  return std::find(authz.allowed().begin(), authz.allowed().end(), kind) != authz.allowed().end();
}

// Whether `field` can name an object: one string of a request that comes first.
bool IsObjectField(const MethodDescriptor& method, const std::string& field) {
  if (method.client_streaming()) return false;
  const FieldDescriptor* found = method.input_type()->FindFieldByName(field);
  return found != nullptr && found->type() == FieldDescriptor::TYPE_STRING && !found->is_repeated();
}

// Roles stand beside the kinds of principal that have them, and nowhere else.
std::string FaultOfRoles(const v1::Authz& authz) {
  const RoleSet roles = RoleSet::Of(authz.roles());
  if (Allows(authz, v1::PRINCIPAL_KIND_MANAGER)) return "allows a kind that is not used any more";
  if (Allows(authz, v1::PRINCIPAL_KIND_STAFF) != roles.Intersects(kStaffRoles)) {
    return "must name roles of staff exactly if it allows staff";
  }
  if (Allows(authz, v1::PRINCIPAL_KIND_SERVICE) != roles.Intersects(kServiceRoles)) {
    return "must name roles of services exactly if it allows services";
  }
  if (Allows(authz, v1::PRINCIPAL_KIND_OPERATOR) &&
      authz.object_kind() == v1::OBJECT_KIND_PARTICIPANT) {
    return "lets an operator reach a participant";
  }
  if (authz.also_erased() && !Allows(authz, v1::PRINCIPAL_KIND_DEVICE)) {
    return "speaks of erased participants but allows no device";
  }
  return "";
}

// What is wrong with a policy; empty if nothing is.
std::string Fault(const MethodDescriptor& method) {
  if (!method.options().HasExtension(v1::authz)) return "has no policy";
  const v1::Authz& authz = method.options().GetExtension(v1::authz);
  if (authz.permission().empty()) return "names no permission";
  if (authz.unauthenticated() != authz.allowed().empty()) {
    return "must either allow kinds of principal or be unauthenticated";
  }
  if (Allows(authz, v1::PRINCIPAL_KIND_UNSPECIFIED)) return "allows an unspecified principal";
  if (const std::string fault = FaultOfRoles(authz); !fault.empty()) return fault;
  if (authz.object_field().empty() != (authz.object_kind() == v1::OBJECT_KIND_UNSPECIFIED)) {
    return "needs both object_field and object_kind, or neither";
  }
  if (!authz.object_field().empty() && !IsObjectField(method, authz.object_field())) {
    return fmt::format("names an object field \"{}\" that is no string of the request",
                       authz.object_field());
  }
  if (authz.unauthenticated() && !authz.object_field().empty()) {
    return "names an object but nobody to check it for";
  }
  if (authz.device_signature() && !Allows(authz, v1::PRINCIPAL_KIND_DEVICE)) {
    return "accepts a device's signature but no device";
  }
  if (authz.object_kind() == v1::OBJECT_KIND_OWN_DEVICE &&
      (authz.allowed_size() != 1 || !Allows(authz, v1::PRINCIPAL_KIND_DEVICE))) {
    return "is about the caller's own device but allows others than devices";
  }
  return "";
}

std::string NameOf(const MethodDescriptor& method) {
  return fmt::format("/{}/{}", method.service()->full_name(), method.name());
}

std::string_view NameOf(v1::PrincipalKind kind) {
  switch (kind) {
    case v1::PRINCIPAL_KIND_DEVICE:
      return "device";
    case v1::PRINCIPAL_KIND_OPERATOR:
      return "operator";
    case v1::PRINCIPAL_KIND_STAFF:
      return "staff";
    case v1::PRINCIPAL_KIND_SERVICE:
      return "service";
    default:
      return "?";
  }
}

std::string_view NameOf(v1::Role role) {
  switch (role) {
    case v1::ROLE_LABELER:
      return "labeler";
    case v1::ROLE_RESEARCHER:
      return "researcher";
    case v1::ROLE_MANAGER:
      return "manager";
    case v1::ROLE_ADMIN:
      return "admin";
    case v1::ROLE_AUDITOR:
      return "auditor";
    case v1::ROLE_TRAINER:
      return "trainer";
    case v1::ROLE_DETECTOR:
      return "detector";
    default:
      return "?";
  }
}

// Staff and services stand there by their roles.
std::string CallersOf(const v1::Authz& authz) {
  if (authz.unauthenticated()) return "anyone";
  std::string callers;
  const auto add = [&](std::string_view name) {
    if (!callers.empty()) callers += ", ";
    callers += name;
  };
  for (const int kind : authz.allowed()) {
    if (kind != v1::PRINCIPAL_KIND_STAFF && kind != v1::PRINCIPAL_KIND_SERVICE) {
      add(NameOf(static_cast<v1::PrincipalKind>(kind)));
    }
  }
  for (const int role : authz.roles()) add(NameOf(static_cast<v1::Role>(role)));
  if (authz.device_signature()) callers += " (also by signature)";
  return callers;
}

std::string ReachOf(const v1::Authz& authz) {
  switch (authz.object_kind()) {
    case v1::OBJECT_KIND_STUDY:
      return "the study in `" + authz.object_field() + "`";
    case v1::OBJECT_KIND_PARTICIPANT:
      return "the participant in `" + authz.object_field() + "`";
    case v1::OBJECT_KIND_OWN_DEVICE:
      return "the device itself in `" + authz.object_field() + "`";
    default:
      return "";
  }
}

// Who still reaches a participant who withdrew, or was erased.
std::string WithdrawnOf(const v1::Authz& authz) {
  if (authz.object_kind() != v1::OBJECT_KIND_PARTICIPANT) return "";
  return Allows(authz, v1::PRINCIPAL_KIND_SERVICE) ? "as before, but no services" : "as before";
}

std::string ErasedOf(const v1::Authz& authz) {
  if (authz.also_erased()) return "device";
  return authz.object_kind() == v1::OBJECT_KIND_PARTICIPANT ||
                 authz.object_kind() == v1::OBJECT_KIND_OWN_DEVICE
             ? "nobody"
             : "";
}

}  // namespace

absl::StatusOr<PolicyTable> PolicyTable::Load(std::span<const std::string> services) {
  return Load(services, *DescriptorPool::generated_pool());
}

absl::StatusOr<PolicyTable> PolicyTable::Load(std::span<const std::string> services,
                                              const DescriptorPool& pool) {
  PolicyTable table;
  std::string faults;
  for (const std::string& name : services) {
    const ServiceDescriptor* service = pool.FindServiceByName(name);
    if (service == nullptr) {
      faults += fmt::format("; {} is not known", name);
      continue;
    }
    for (int i = 0; i < service->method_count(); ++i) {
      const MethodDescriptor& method = *service->method(i);
      if (const std::string fault = Fault(method); !fault.empty()) {
        faults += fmt::format("; {} {}", NameOf(method), fault);
        continue;
      }
      table.methods_.emplace(NameOf(method), method.options().GetExtension(v1::authz));
    }
  }
  if (!faults.empty()) return absl::FailedPreconditionError("access policy" + faults);
  return table;
}

const v1::Authz* PolicyTable::Find(std::string_view method) const {
  const auto found = methods_.find(method);
  return found == methods_.end() ? nullptr : &found->second;
}

std::string PolicyTable::ToMarkdown() const {
  std::string text =
      "| method | permission | who | within | withdrawn | erased | recordings |\n"
      "|---|---|---|---|---|---|---|\n";
  for (const auto& [method, authz] : methods_) {
    text += fmt::format("| `{}` | {} | {} | {} | {} | {} | {} |\n", method, authz.permission(),
                        CallersOf(authz), ReachOf(authz), WithdrawnOf(authz), ErasedOf(authz),
                        authz.reads_data() ? "of granted kinds" : "");
  }
  return text;
}

absl::Status CheckEveryMethodHasPolicy(std::span<const std::string> services) {
  return PolicyTable::Load(services).status();
}

}  // namespace tidemark::rpc
