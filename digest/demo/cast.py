"""The readers of the demonstration: invented, each with an interest and a taste that their interest
does not tell.
"""

from __future__ import annotations

from dataclasses import dataclass

from digest.subscriptions import SubscriptionRequest


@dataclass(frozen=True, kw_only=True, slots=True)
class Reader:
    """Someone whose thumbs follow simple words: what the service has to find out."""

    request: SubscriptionRequest
    #: what they say about themselves, for the terminal
    about: str
    #: a paper whose title or abstract holds one of these gets a thumb up
    likes: tuple[str, ...]
    #: else one that holds one of these gets a thumb down; all others get none
    dislikes: tuple[str, ...]

    def vote(self, text: str) -> int:
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
