"""RFC 3261: SIP over UDP through the NAT44s at the ends of tunnels: the host's private address becomes its public one."""

from cases.rfc3022_ftp import AFTR, CE, MAP_T
from cases.rfc3261_sip import SERVER4, description, invite, ok, udp
from corpus import golden
from nat import numbered

PRIVATE = "192.168.1.2"
RTP = "UDP(sport={},dport={})/data(172)".format


def cases(nat, signalling, media):
    """`media` is the even port that RTP gets; RTCP has the one above."""
    public = nat.public.strip("'")

    def case(name, note, *steps):
        return golden(f"rfc3261/18.1.1-{nat.label}-{name}", f"RFC 3261 §18.1.1: {note}", *numbered(steps), config=nat.config)

    invited = nat.out(udp(5060, 5060, invite(PRIVATE, SERVER4, ":5060", description("IP4", PRIVATE, 40000))),
                      udp(signalling, 5060, invite(public, SERVER4, f":{signalling}", description("IP4", public, media))))
    yield case("call", "an invitation and its answer.", invited,
               nat.back(udp(5060, signalling, ok(public, SERVER4, f":{signalling}", description("IP4", SERVER4, 6000))),
                        udp(5060, 5060, ok(PRIVATE, SERVER4, ":5060", description("IP4", SERVER4, 6000)))))
    yield case("media", "RFC 3550 §11: RTP and RTCP reach the host before it has sent any.", invited,
               nat.back(RTP(6000, media), RTP(6000, 40000)), nat.back(RTP(6001, media + 1), RTP(6001, 40001)),
               nat.out(RTP(40000, 6000), RTP(media, 6000)))


CASES = [*cases(AFTR, 5000, 5002), *cases(CE, 1232, 1234), *cases(MAP_T, 1232, 1234)]
