#include "share/mapping/address_mapping.h"

#include <gtest/gtest.h>

namespace yonroku::share {
namespace {

Ipv4Address v4(const char* text) { return *Ipv4Address::parse(text); }
Ipv6Address v6(const char* text) { return *Ipv6Address::parse(text); }
Pref64 pref64(const char* text) { return *Pref64::create(*Ipv6Prefix::parse(text)); }

class Mapping : public testing::Test {
 public:
  Mapping() {
    EXPECT_EQ(table.add({*Ipv4Prefix::parse("192.0.2.80"), *Ipv6Prefix::parse("2001:db8:2::80")}),
              EamTable::Refusal::None);
  }
  // "address", or the drop reason's label.
  [[nodiscard]] std::string to_ipv6(const char* address, Role role, Side side,
                                    UseMappings use = UseMappings::Yes) const {
    const AddressMapping mapping(settings, table);
    const auto mapped = mapping.to_ipv6(v4(address), role, side, nullptr, use);
    // The quick way agrees whenever it answers.
    Ipv6Address quick;
    if (use == UseMappings::Yes && mapping.map(v4(address), role, side, quick)) {
      EXPECT_TRUE(mapped) << address;
      EXPECT_EQ(quick, mapped.value_or(Ipv6Address())) << address;
    }
    return mapped ? mapped->to_string() : std::string(label(mapped.error()));
  }
  [[nodiscard]] std::string to_ipv4(const char* address, Role role, Side side) const {
    const AddressMapping mapping(settings, table);
    const auto mapped = mapping.to_ipv4(v6(address), role, side, nullptr);
    Ipv4Address quick;
    bool by_prefix = false;
    if (mapping.map(v6(address), role, side, quick, by_prefix)) {
      EXPECT_TRUE(mapped) << address;
      if (mapped) {
        EXPECT_EQ(quick, mapped->address) << address;
        EXPECT_EQ(by_prefix, mapped->by_prefix) << address;
      }
    }
    return mapped ? mapped->address.to_string() : std::string(label(mapped.error()));
  }
  EamTable table{1};
  AddressMappingSettings settings;
};

TEST_F(Mapping, AnExplicitMappingComesBeforeThePrefix) {
  settings.ipv4_side_prefix = settings.ipv6_side_prefix = pref64("2001:db8:64::/96");
  EXPECT_EQ(to_ipv6("192.0.2.80", Role::Destination, Side::Ipv6), "2001:db8:2::80");
  EXPECT_EQ(to_ipv6("192.0.2.80", Role::Source, Side::Ipv4), "2001:db8:2::80");
  EXPECT_EQ(to_ipv6("192.0.2.80", Role::Source, Side::Ipv4, UseMappings::No), "2001:db8:64::c000:250");
  EXPECT_EQ(to_ipv6("203.0.113.7", Role::Source, Side::Ipv4), "2001:db8:64::cb00:7107");
  EXPECT_EQ(to_ipv4("2001:db8:2::80", Role::Source, Side::Ipv6), "192.0.2.80");
  EXPECT_EQ(to_ipv4("2001:db8:64::cb00:7107", Role::Destination, Side::Ipv4), "203.0.113.7");
  EXPECT_EQ(to_ipv4("2001:db8:65::cb00:7107", Role::Destination, Side::Ipv4), "destination-not-mapped");
  EXPECT_EQ(to_ipv4("2001:db8:65::cb00:7107", Role::Source, Side::Ipv6), "source-not-mapped");
}

TEST_F(Mapping, WithoutAPrefixOnlyMappingsCount) {
  EXPECT_EQ(to_ipv6("192.0.2.80", Role::Source, Side::Ipv4), "2001:db8:2::80");
  EXPECT_EQ(to_ipv6("192.0.2.81", Role::Source, Side::Ipv4), "source-not-mapped");
  EXPECT_EQ(to_ipv6("192.0.2.81", Role::Destination, Side::Ipv6), "destination-not-mapped");
  EXPECT_EQ(to_ipv4("2001:db8:2::81", Role::Source, Side::Ipv6), "source-not-mapped");
}

// RFC 6877 §6.3: a CLAT knows two prefixes, one for each side.
TEST_F(Mapping, EachSideHasItsPrefix) {
  settings.ipv4_side_prefix = pref64("2001:db8:aaaa::/96");
  settings.ipv6_side_prefix = pref64("2001:db8:1234::/96");
  EXPECT_EQ(to_ipv6("192.168.1.2", Role::Source, Side::Ipv4), "2001:db8:aaaa::c0a8:102");
  EXPECT_EQ(to_ipv6("198.51.100.1", Role::Destination, Side::Ipv6), "2001:db8:1234::c633:6401");
  EXPECT_EQ(to_ipv4("2001:db8:1234::c633:6401", Role::Source, Side::Ipv6), "198.51.100.1");
  EXPECT_EQ(to_ipv4("2001:db8:aaaa::c0a8:102", Role::Destination, Side::Ipv4), "192.168.1.2");
  EXPECT_EQ(to_ipv4("2001:db8:1234::c633:6401", Role::Destination, Side::Ipv4), "destination-not-mapped");
}

TEST_F(Mapping, Rfc6052Section3_1) {
  settings.ipv4_side_prefix = settings.ipv6_side_prefix = pref64("64:ff9b::/96");
  EXPECT_EQ(to_ipv6("10.0.0.1", Role::Destination, Side::Ipv6), "well-known-prefix-non-global");
  EXPECT_EQ(to_ipv6("8.8.8.8", Role::Destination, Side::Ipv6), "64:ff9b::808:808");
  EXPECT_EQ(to_ipv4("64:ff9b::a00:1", Role::Source, Side::Ipv6), "well-known-prefix-non-global");
  EXPECT_EQ(to_ipv6("192.0.2.80", Role::Destination, Side::Ipv6), "2001:db8:2::80")
      << "mappings are not restricted";
  settings.well_known_prefix_non_global = WellKnownPrefixNonGlobal::Translate;
  EXPECT_EQ(to_ipv6("10.0.0.1", Role::Destination, Side::Ipv6), "64:ff9b::a00:1");
  EXPECT_EQ(to_ipv4("64:ff9b::a00:1", Role::Source, Side::Ipv6), "10.0.0.1");
}

TEST_F(Mapping, DenylistsHoldForBothFamiliesOfAnAddress) {
  settings.ipv4_side_prefix = settings.ipv6_side_prefix = pref64("2001:db8:64::/96");
  settings.denylist_ipv4 = {*Ipv4Prefix::parse("10.0.0.0/8")};
  settings.denylist_ipv6 = {*Ipv6Prefix::parse("2001:db8:2::/48")};
  EXPECT_EQ(to_ipv6("10.1.2.3", Role::Source, Side::Ipv4), "denied-address");
  EXPECT_EQ(to_ipv4("2001:db8:64::a01:203", Role::Source, Side::Ipv6), "denied-address")
      << "what it stands for";
  EXPECT_EQ(to_ipv4("2001:db8:2::80", Role::Source, Side::Ipv6), "denied-address");
  EXPECT_EQ(to_ipv6("192.0.2.80", Role::Source, Side::Ipv4), "denied-address") << "what it becomes";
  EXPECT_EQ(to_ipv6("203.0.113.7", Role::Source, Side::Ipv4), "2001:db8:64::cb00:7107");
}

TEST_F(Mapping, WhatWouldComeBackIsNotSent) {
  settings.ipv4_side_prefix = settings.ipv6_side_prefix = pref64("2001:db8:64::/96");
  settings.routed_here = {*Ipv4Prefix::parse("192.0.2.0/24")};
  EXPECT_EQ(to_ipv6("192.0.2.81", Role::Destination, Side::Ipv6), "destination-not-mapped");
  EXPECT_EQ(to_ipv6("192.0.2.81", Role::Source, Side::Ipv4), "2001:db8:64::c000:251");
  EXPECT_EQ(to_ipv6("192.0.2.80", Role::Destination, Side::Ipv6), "2001:db8:2::80");
  settings.routed_here = {};
  settings.own_address = v4("192.0.0.8");
  EXPECT_EQ(to_ipv6("192.0.0.8", Role::Destination, Side::Ipv6), "destination-not-mapped");
  EXPECT_EQ(to_ipv4("2001:db8:64::c000:8", Role::Destination, Side::Ipv4), "destination-not-mapped");
  EXPECT_EQ(to_ipv6("192.0.0.8", Role::Source, Side::Ipv4), "2001:db8:64::c000:8");
}

TEST_F(Mapping, NotesSayHowAnAddressWasFound) {
  settings.ipv4_side_prefix = settings.ipv6_side_prefix = pref64("2001:db8:64::/96");
  settings.denylist_ipv4 = {*Ipv4Prefix::parse("10.0.0.0/8")};
  const AddressMapping mapping(settings, table);
  Trace trace;
  (void)mapping.to_ipv6(v4("192.0.2.80"), Role::Source, Side::Ipv4, &trace);
  (void)mapping.to_ipv6(v4("203.0.113.7"), Role::Destination, Side::Ipv6, &trace);
  (void)mapping.to_ipv4(v6("2001:db8:9::"), Role::Source, Side::Ipv6, &trace);
  (void)mapping.to_ipv6(v4("10.1.2.3"), Role::Destination, Side::Ipv6, &trace);
  std::vector<TraceStep> steps;
  for (const TraceNote& note : trace.notes()) steps.push_back(note.step);
  EXPECT_EQ(steps, (std::vector{TraceStep::SourceByMapping, TraceStep::DestinationByPrefix,
                                TraceStep::SourceNotMapped, TraceStep::Denied}));
}

}  // namespace
}  // namespace yonroku::share
