"""Words that noun phrases are told by: see `phrases`.

Collected from the frequent words of English abstracts.
"""

from __future__ import annotations

import re

_VERBS = """
    accelerate achieve achieved achieves achieving adapt address addresses addressing advance
    advances advancing aim aims align allow allowing allows analyze analyzing applied applies
    apply applying argue assess assessing balance balancing bridge bridging build building
    builds built capture captures capturing carries carry challenge challenges combine combines
    combining compare compared compares comparing conduct consider consists construct contain
    contains deliver delivers demonstrate demonstrates demonstrating depend depends derive
    derives describe design designed designing detect detecting detects determine develop
    developing develops directly discover discuss employ employs enable enables enabling
    encourage enhance enhances enhancing ensure ensures ensuring establish establishes evaluate
    evaluated evaluates evaluating examine exhibit exhibits exploit exploiting exploits explore
    explores exploring extend extending extends facilitate facilitates fail fails find focus
    focuses focusing follow follows formulate generate generates generating given guide guiding
    handle help helps highlight highlighting highlights identifies identify identifying
    illustrate improve improves improving include includes including incorporate incorporates
    incorporating increase increases increasing indicate indicates inspired integrate integrates
    integrating introduce introduces introducing investigate investigates investigating involve
    involves keep know lack lead leads learn learns leaving leverage leverages leveraging limit
    limits maintain maintaining maintains make makes making match measure measures measuring
    mitigate mitigates mitigating need needs observe obtain offer offering offers optimize
    optimizes optimizing outperform outperforming outperforms overcome perform performs predict
    predicting present presents preserve preserves preserving prevent produce produces producing
    promote propose proposed proposes proposing prove proves provide provides providing quantify
    reach reaches recover reduce reduces reducing relies rely relying remain remains represent
    represents require required requires requiring result resulting rethinking reveal revealing
    reveals revisit see serve serves show showing shown shows solve solving spanning struggle
    struggles study studying suffer suffers suggest suggesting suggests support supports surpass
    surpasses tackle take takes target targets test tests train trained trains transform treat
    trust understand understanding unifying use used uses using validate vary varying verify
    work works yield yielding yields
"""
_EMPTY_WORDS = """
    ability able absolute accurate additional address art available average based best better
    broad broader capable certain challenging clear close com common comparable complete
    comprehensive consistent contrast conventional critical crucial current demand demonstrated
    despite detailed different difficult diverse dual due easy effective efficient emerging end
    entire essential evolving existing experimental explicit extensive fact far fine first-class
    five following four full fundamental furthermore future github good great growing hard heavy
    high higher highest https hundreds ideal important improved inherent initial insufficient
    introduced io key known large-scale larger largest leading limited little longer low lower
    main major making massive meaningful modern multiple necessary new nine notable ones optimal
    order original overall particular plausible poor popular possible potential powerful
    practical precise previous primary principled prior prominent promising public real-world
    recent reliable remarkable rich rigorous second seven severe significant similar simple
    simultaneous six small smaller sophisticated specific standard state-of-the-art strong
    stronger strongest substantial successful sufficient suitable superior systematic ten third
    thousands top traditional true underexplored underlying unified unique universal unlike
    useful valuable various vast viable vital vs wide worse
"""
_VAGUE_WORDS = """
    abilities ability accuracy advance advantage aim algorithm algorithms analyses analysis
    application applications approach approaches architecture aspects assumption baseline
    baselines behavior behaviour benchmark benchmarks benefit capabilities capability case cases
    challenge challenges change changes code community comparison complex component components
    concept condition conditions configuration configurations contribution contributions cost
    costs data dataset datasets deployment detail details development difference direction
    domain domains effect effectiveness effects efficiency effort efforts error errors
    evaluation evidence example examples experiment experiments factor factors feature features
    field finding findings form formulation framework frameworks function gain gains gap general
    goal idea impact implementation improvement improvements information input insight insights
    issue issues knowledge level levels limitation limitations literature long mechanism
    mechanisms method methods metric metrics model modeling models module novel number objective
    open outcome output pair pairs paper papers paradigm part pattern patterns performance
    perspective pipeline point practice principle problem problems process progress properties
    property quality question questions range rate real reason representation research
    researchers resource result results role sample samples scale scenario scenarios score
    scores set setting settings short single size solution solutions source sources state step
    steps strategies strategy structure studies study success survey system systems task tasks
    technique techniques technology term theory time tool tools trade-off training type types
    understanding use user users value variety view way ways work works world
"""
#: never a part of a phrase; adverbs in "-ly" and verbs in "-ize" neither
BARRIERS = frozenset(_VERBS.split()) | frozenset(_EMPTY_WORDS.split())
#: say nothing alone: "new method", "learning system"
VAGUE = frozenset(_VAGUE_WORDS.split())
#: a phrase does not end with an adjective or an adverb ...
ADJECTIVE = re.compile(
    r"(?:spoken|hidden|written|unseen|sparse|dense|robust|deep|fast|raw|safe|unsafe|[234]d)$"
    r"|.*(?:al|ive|ic|ous|able|ible|ful|less|ary|ly|ed|ant|ent|est|wise|ian)$"
    r"|.*-(?:based|aware|driven|level|free|agnostic|guided|specific|shot|oriented|informed|enhanced"
    r"|efficient|augmented|like|wide|scale|time|hop|turn|step|view|modal|resource|quality|tuned)$"
)
_NOUN_ENDINGS = """
    adjustment adversary agent agreement alignment animal anomaly appraisal approval archive
    argument arousal arrest arrival assembly assessment assistant bed boundary butterfly cable
    cannibal capital client commentary component constant constituent content critic denial
    denoising department deployment determinant dialectic dictionary disposal document dynamic
    early element embed enhancement entanglement environment event experiment fabric family feed
    forest gaussian glossary goal gradient graphic hamiltonian hessian heuristic hospital
    instrument intent interest interval invariant jacobian journal judgment laplacian latent
    library logic management manual material measurement metric moment motive movement music
    musician narrative need objective ornament parent participant patient payment perspective
    physician plant plastic portal potential proposal quadrant quest referral refusal
    reinforcement removal renewal request requirement restaurant retrieval rubric seed segment
    sentiment signal speed statistic student summary supply survival table talent technician
    terminal test topic traffic treatment trial tutorial variable variant vocabulary withdrawal
"""
#: ... except for nouns that end alike
NOUNS = frozenset(_NOUN_ENDINGS.split())
_NAMES = """
    Arabic Bayesian Bernoulli Boolean Brownian Cantonese Chinese Dutch English Euclidean European
    Fourier French Gaussian German Gibbs Greek Hamiltonian Hausdorff Hebrew Hilbert Hindi Indian
    Italian Jacobian Japanese Kalman Korean Lagrangian Langevin Laplace Lipschitz Mandarin Markov
    Monte Carlo Nash Newton Pareto Persian Poisson Portuguese Riemann Riemannian Russian Shapley
    Spanish Swahili Turing Turkish Urdu Vietnamese Wasserstein Wikipedia
"""
#: written with a capital everywhere, also where a title is all that a source gives
CAPITALIZED = frozenset(_NAMES.split())
