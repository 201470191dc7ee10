"""The demonstration's invented readers, with an interest and a hidden taste."""

from __future__ import annotations

from dataclasses import dataclass

from digest.subscriptions import SubscriptionRequest


@dataclass(frozen=True, kw_only=True, slots=True)
class Reader:
    """A reader whose thumbs follow simple words, which the service has to find out."""

    request: SubscriptionRequest
    #: what they say about themselves, for the terminal
    about: str
    #: words in a title or abstract that get a thumb up
    likes: tuple[str, ...]
    #: words that get a thumb down if there is none of `likes`; other papers get no thumb
    dislikes: tuple[str, ...]

    def vote(self, text: str) -> int:
        """1, -1 or 0 for a paper with this text."""
        folded = text.casefold()
        if any(word in folded for word in self.likes):
            return 1
        return -1 if any(word in folded for word in self.dislikes) else 0


CAST = (
    Reader(
        request=SubscriptionRequest(
            email="robin@demo.example",
            name="Robin",
            size=8,
            days=(2, 5),
            keywords=("robot", "embodied agent"),
            categories=("cs.RO",),
        ),
        about="robots; likes hands that do things, is tired of driving",
        likes=("manipulation", "vision-language-action", "grasp", "robot"),
        dislikes=("driving", "pedestrian", "lidar", "traffic", "biosecurity"),
    ),
    Reader(
        request=SubscriptionRequest(
            email="mira@demo.example",
            name="Mira",
            size=8,
            days=(2, 5),
            keywords=("medical imaging", "MRI", "histopathology"),
        ),
        about="medical images; likes the scanner, leaves hospital paperwork to others",
        likes=("mri", "histopathology", "pathology", "ultrasound", "segmentation"),
        dislikes=("clinical", "llm", "language model"),
    ),
    Reader(
        request=SubscriptionRequest(
            email="lex@demo.example",
            name="Lex",
            size=8,
            days=(2, 5),
            keywords=("legal", "political", "students"),
        ),
        about="society; likes courts and politics, not classrooms",
        likes=("legal", "court", "political", "ideolog"),
        dislikes=("student", "teacher", "classroom", "exam"),
    ),
    Reader(
        request=SubscriptionRequest(
            email="sasha@demo.example",
            name="Sasha",
            size=8,
            days=(2, 5),
            keywords=("privacy", "jailbreak"),
            categories=("cs.CR",),
        ),
        about="safety; likes attacks and safeguards of language models, not proofs",
        likes=("jailbreak", "attack", "mllm", "language model"),
        dislikes=("hypothesis testing", "capacity", "theorem", "codes"),
    ),
    Reader(
        request=SubscriptionRequest(email="toni@demo.example", name="Toni", size=8, days=(2, 5)),
        about="said nothing at all; in truth likes language, not pictures",
        likes=(
            "translation",
            "speech",
            "multilingual",
            "retrieval",
            "low-resource",
            "question answering",
        ),
        dislikes=("gaussian", "video", "lidar", "drone", "quantum", "image", "3d"),
    ),
)
